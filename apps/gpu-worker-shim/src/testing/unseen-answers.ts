import type { UnseenScene, UnseenShape } from './unseen-scenes.js';

/** What is asked about every picture, and what counts as right: the whole answer, but the order of a list. */
export interface UnseenQuestion {
  readonly name: 'background' | 'count' | 'color' | 'shape' | 'sentence';
  readonly text: string;
  isRight(answer: string, scene: UnseenScene): boolean;
}

const numbers = ['No', 'One', 'Two', 'Three'];

const withArticle = (noun: string): string => `${/^[aeiou]/.test(noun) ? 'an' : 'a'} ${noun}`;
const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** `A ring, a star and a ring.` has these items, each as often as it is told. */
function isListOf(answer: string, items: readonly string[]): boolean {
  const text = answer.replace(/\.$/, '');
  const told = (text.charAt(0).toLowerCase() + text.slice(1)).split(/, | and /);
  return told.sort().join() === [...items].sort().join();
}

const nounOf = ({ color, kind }: UnseenShape): string => withArticle(`${color} ${kind}`);

/** Says the subject of the sentence what the picture shows? A pair may be told from either side. */
function isSubjectRight(subject: string, { shapes }: UnseenScene): boolean {
  const [first, second] = shapes;
  if (first === undefined) return false;
  if (second === undefined) {
    return subject === withArticle(`${first.half >= 0.2 ? 'large' : 'small'} ${first.color} ${first.kind}`);
  }
  if (shapes.length > 2) return isListOf(subject, shapes.map(nounOf));
  const isAcross = Math.abs(first.x - second.x) > Math.abs(first.y - second.y);
  const axis = isAcross ? 'x' : 'y';
  const [before, after] = first[axis] < second[axis] ? [first, second] : [second, first];
  const [one, other] = [nounOf(before), nounOf(after)];
  return isAcross
    ? [`${one} to the left of ${other}`, `${other} to the right of ${one}`].includes(subject)
    : [`${one} above ${other}`, `${other} below ${one}`].includes(subject);
}

export const unseenQuestions: readonly UnseenQuestion[] = [
  {
    name: 'background',
    text: 'What color is the background?',
    isRight: (answer, { background }) => answer === capital(background),
  },
  {
    name: 'count',
    text: 'How many shapes are there?',
    isRight: (answer, { shapes }) => answer === `${numbers[shapes.length]}.`,
  },
  {
    name: 'color',
    text: 'What color are the shapes?',
    isRight: (answer, { shapes }) =>
      isListOf(
        answer,
        shapes.map(({ color }) => color),
      ),
  },
  {
    name: 'shape',
    text: 'What shapes are there?',
    isRight: (answer, { shapes }) =>
      isListOf(
        answer,
        shapes.map(({ kind }) => withArticle(kind)),
      ),
  },
  {
    name: 'sentence',
    text: 'Describe the following image. Answer in 20 words or less.',
    isRight: (answer, scene) => {
      const ending = ` on ${withArticle(scene.background)} background.`;
      const opening = 'The image shows ';
      if (!answer.startsWith(opening) || !answer.endsWith(ending)) return false;
      return isSubjectRight(answer.slice(opening.length, -ending.length), scene);
    },
  },
];
