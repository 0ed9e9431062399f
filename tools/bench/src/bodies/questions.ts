const words = [
  'what',
  'color',
  'is',
  'the',
  'shape',
  'on',
  'left',
  'of',
  'this',
  'large',
  'picture',
  'and',
  'why',
];

/** Words in an order of their own for every seed, cut to a length in characters. */
export function question(seed: number, characters: number): string {
  let text = '';
  for (let state = seed * 7919 + 17; text.length < characters; state = (state * 48_271) % 2_147_483_647) {
    text += `${words[state % words.length]} `;
  }
  return text.slice(0, characters);
}
