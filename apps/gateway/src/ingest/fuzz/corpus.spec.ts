import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { agrees, readChunks } from './fuzz.js';
import { chatRoute, expectedOutcome, type FuzzRoute, promptRoute } from './oracle.js';

const chat = (...parts: string[]): string => `{"messages":[{"role":"user","content":[${parts.join(',')}]}]}`;
const image = (url: string): string => `{"type":"image_url","image_url":{"url":"${url}"}}`;
const prompt = (data: string): string => `{"prompt":[{"type":"image","data":"${data}"}]}`;
const png = 'data:image/png;base64,';

/** Texts without media, by class; most are wrong in one place. */
const texts: Record<string, string[]> = {
  numbers: [
    ...[
      '0',
      '-0',
      '10',
      '-1.5',
      '0.0',
      '1e5',
      '1E+5',
      '1e-5',
      '-0.1e10',
      '9007199254740991',
      '1e15',
      '123456789.25',
    ],
    ...[
      '01',
      '-',
      '+1',
      '.5',
      '1.',
      '1.e5',
      '1e',
      '1e+',
      '--1',
      '0x1',
      '1_0',
      'Infinity',
      'NaN',
      '-Infinity',
      '1 2',
    ],
    ...[
      '9007199254740992',
      '-9007199254740992',
      '1e400',
      '1e16',
      '[1.5,2]',
      '[-]',
      '{"a":-01}',
      '[1e5.5]',
      '1a',
    ],
  ],
  words: [
    'true',
    'false',
    'null',
    'True',
    'nul',
    'nulll',
    'tru e',
    '[true,false,null]',
    'undefined',
    '[nullfalse]',
  ],
  escapes: [
    ...[
      '"\\"\\\\\\/\\b\\f\\n\\r\\t"',
      '"\\u0041\\u00e9\\u65E5"',
      '"\\x"',
      '"\\"',
      '"\\u12"',
      '"\\u12g4"',
      '"\\U0041"',
    ],
    ...['"\\', '"\\u00', '"\\u0000"', '{"\\u0061":1,"b":2}', '"\\\'"', '"\\\n"'],
  ],
  surrogates: [
    '"\\ud83d\\ude00"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '{"\\ud800":1,"\\ud801":2}',
    '"\u{1f600}"',
    '"\\ud83dx"',
  ],
  controls: [
    '"\u0000"',
    '"\u001f"',
    '"\n"',
    '"\t"',
    '"\u007f"',
    '"\u0080"',
    '\u0000',
    '[1,\u000b2]',
    '\u00a01',
    '"\u2028"',
  ],
  nesting: [
    '[]',
    '{}',
    '[[],{}]',
    '{"a":{"b":[{"c":[]}]}}',
    '[',
    '{',
    ']',
    '}',
    '[}',
    '{]',
    '[[]',
    '{"a":[}',
    '[]]',
    '{}{}',
  ],
  commas: [
    '[1,]',
    '[,1]',
    '[,]',
    '[1,,2]',
    '{"a":1,}',
    '{,}',
    '{"a":1,,"b":2}',
    ',',
    '[1 2]',
    '{"a":1 "b":2}',
    '1,',
  ],
  colons: [
    '{"a"}',
    '{"a":}',
    '{:1}',
    '{"a"::1}',
    '{1:2}',
    '{a:1}',
    '["a":1]',
    '{"a":1:2}',
    ':',
    "{'a':1}",
    '{null:1}',
  ],
  keys: [
    '{"a":1,"a":2}',
    '{"a":1,"\\u0061":2}',
    '{"":1,"":2}',
    '{"é":1,"\\u00e9":2}',
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
  ],
  names: [
    '{"__proto__":{"a":1}}',
    '{"constructor":1,"toString":2,"hasOwnProperty":3}',
    '{"0":1,"00":2,"1":3}',
  ],
  blanks: ['', ' ', '\t\n\r ', ' 1 ', '\n{ "a" : [ 1 , 2 ] }\r\n', '\f1', '1\u00a0', '/**/1', '1//'],
  ends: ['\ufeff1', '1\ufeff', '"a"b', '{}x', '[]\u0000', 'null\n\n', '"a""b"', '{"a":"b'],
};

/** Media, right and wrong. */
const media: [string, FuzzRoute][] = [
  ...[
    `${png}AAEC`,
    `${png}AA==`,
    `${png}AAE=`,
    `${png}AAECAwQFBgc=`,
    'data:;base64,AAAA',
    'DATA:x;BASE64,AAAA',
  ],
  ...[
    `${png}`,
    `${png}A`,
    `${png}AA`,
    `${png}AAA`,
    `${png}A===`,
    `${png}====`,
    `${png}AA=A`,
    `${png}AB==`,
    `${png}AAB=`,
  ],
  ...[
    `${png}AA==AAAA`,
    `${png}AAAA=`,
    `${png}AA AA`,
    `${png}AA-_`,
    `${png}AAA@`,
    `${png}/AAA@`,
    `${png}/A=A`,
    `${png}AAECAAECAAECAAE*`,
    `${png}AAECAAECAAECAAE=""`,
    `${png}AAAé`,
    `${png}AA==\\n`,
  ],
  ...['data\\u003aimage\\/png;base64\\u002cAA\\u0045C', `${png}\\/\\/\\/\\/`, `${png}A\\u0041\\u003d\\u003d`],
  ...[
    'http://h/a.png',
    'file:///x',
    'https:\\/\\/h',
    '',
    'x',
    'data:,AA',
    'data:image/png;base64',
    'dàta:;base64,AAAA',
  ],
  ...[
    'data:imagé/\u{1f600};base64,AAAA',
    `data:${'x'.repeat(234)};base64,AAAA`,
    `data:${'é'.repeat(236)};base64,AA==`,
  ],
  ...[
    `data:${'\u{1f600}'.repeat(130)};base64,AA==`,
    `${png}\\x`,
    `${png}\t`,
    `${png}A\\`,
    `\\ud800${png}AAAA`,
  ],
].map((url): [string, FuzzRoute] => [chat(image(url)), chatRoute]);
media.push(
  ...['AAEC', 'AA==', '', 'A', 'AB==', '\\/+AA', 'A A=', 'data:;base64,AAAA', '\\u0041AAA'].map(
    (data): [string, FuzzRoute] => [prompt(data), promptRoute],
  ),
);

/** What decides whether a string is a medium, and where it must not be one. */
const places: [string, FuzzRoute][] = [
  chat(image(`${png}AAAA`), image(`${png}AAEC`), '{"type":"text","text":"x"}'),
  chat(`{"image_url":{"url":"${png}AAEC"},"type":"image_url"}`),
  chat(`{"image_url":{"url":"http://x"},"type":"text","text":"a"}`),
  chat(`{"type":"text","image_url":{"url":"http://x"}}`),
  chat(`{"image_url":{"url":"${png}AAEC"}}`),
  chat(`{"image_url":{"url":"${png}AAEC"},"type":7}`),
  chat(`{"image_url":{"url":"nonsense"},"type":["image_url"]}`),
  chat(
    `{"image_url":{"detail":"auto","url":"nonsense","x":[{"type":"image_url"}]},"a":"b","type":"image\\u005furl"}`,
  ),
  chat(`{"im\\u0061ge_url":{"\\u0075rl":"${png}AAEC"},"\\u0074ype":"image_url"}`),
  chat(`{"type":"image_url","image_url":"${png}AAAA"}`),
  chat(`{"type":"image_url","image_url":{"url":[]}}`, `{"type":"image_url","image_url":[{"url":"x"}]}`),
  `{"messages":{"content":[${image('x')}]}}`,
  `{"messages":[${image('x')},[${image('x')}],{"content":${image('x')}}]}`,
  `{"a":${chat(image('x'))}}`,
  `[${chat(image('x'))}]`,
].map((text) => [text, chatRoute]);
places.push([prompt('AAEC'), chatRoute], [chat(image('x')), promptRoute]);

async function differencesAtEveryCut(body: Buffer, route: FuzzRoute): Promise<string[]> {
  const expected = expectedOutcome(body, route);
  const differences: string[] = [];
  const whole = await readChunks(body.length > 0 ? [body] : [], route);
  const compare = async (chunks: Buffer[], how: string): Promise<void> => {
    const found = await readChunks(chunks, route);
    if (!agrees(expected, found) || !isDeepStrictEqual(found, whole))
      differences.push(`${body}: ${how}: ${JSON.stringify({ expected, found })}`);
  };
  for (let cut = 0; cut <= body.length; cut += 1) {
    const chunks = [body.subarray(0, cut), body.subarray(cut)].filter((chunk) => chunk.length > 0);
    await compare(chunks, `cut at ${cut}`);
  }
  await compare(
    [...body].map((byte) => Buffer.of(byte)),
    'byte by byte',
  );
  return differences;
}

describe('every text of the corpus, cut at every byte, is read as JSON.parse reads it', () => {
  it.each(Object.entries(texts))('%s', async (_name, corpus) => {
    for (const text of corpus) expect(await differencesAtEveryCut(Buffer.from(text), chatRoute)).toEqual([]);
  });

  it('UTF-8, all ranges of RFC 3629 and what borders on them', async () => {
    const sequences = [
      ...[
        '7f',
        'c280',
        'dfbf',
        'e0a080',
        'e18080',
        'ed9fbf',
        'ee8080',
        'efbfbf',
        'f0908080',
        'f1808080',
        'f48fbfbf',
      ],
      ...[
        '80',
        'bf',
        'c0af',
        'c1bf',
        'c2',
        'c27f',
        'c2c0',
        'e09fbf',
        'e0a0',
        'e0a0c0',
        'eda080',
        'edbfbf',
        'f08fbfbf',
      ],
      ...['f0908080'.slice(0, 6), 'f4908080', 'f5808080', 'fe', 'ff', 'f180807f', 'e18080c2'],
    ];
    for (const hex of sequences) {
      const bytes = Buffer.from(hex, 'hex');
      for (const [before, after] of [
        ['["', '"]'],
        ['{"', '":0}'],
        ['', ''],
        [`${chat(image('')).slice(0, 67)}`, '"}}]}]}'],
      ]) {
        const body = Buffer.concat([Buffer.from(before ?? ''), bytes, Buffer.from(after ?? '')]);
        expect(await differencesAtEveryCut(body, chatRoute)).toEqual([]);
      }
    }
  });

  it('media', async () => {
    for (const [text, route] of media)
      expect(await differencesAtEveryCut(Buffer.from(text), route)).toEqual([]);
  });

  it('places of media', async () => {
    for (const [text, route] of places)
      expect(await differencesAtEveryCut(Buffer.from(text), route)).toEqual([]);
  });

  it('every truncation of a request', async () => {
    const whole = chat('{"type":"text","text":"é\\n"}', image(`${png}AAECAwQ=`)).replace(
      '"role"',
      '"n":-1.5e2,"role"',
    );
    for (let length = 0; length < whole.length; length += 1) {
      expect(
        await readChunks(
          [Buffer.from(whole.slice(0, length))].filter((chunk) => chunk.length > 0),
          chatRoute,
        ),
      ).toMatchObject({
        refused: expect.stringMatching(/^INVALID_/),
      });
    }
  });
});

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]),
  );
}

describe('the order of keys never changes the answer', () => {
  const fields: Record<string, string[][]> = {
    'an image': [['"type":"image"', '"data":"AAEC"', '"x":1', '"controls":[{"type":"text","data":"no"}]']],
    'a broken image': [['"type":"image"', '"data":"A*EC"', '"x":1']],
    'a text': [['"type":"text"', '"data":"A*EC"', '"x":{"type":"image"}']],
    'something without a type': [['"data":"AAEC"', '"x":1', '"y":"image"']],
    'a type that is no string': [['"type":["image"]', '"data":"AAEC"', '"x":1']],
    'data that is no string': [['"type":"image"', '"data":["AAEC"]', '"x":1']],
  };

  it.each(Object.entries(fields))('of an item of a prompt: %s', async (_name, [pairs = []]) => {
    for (const order of permutations(pairs)) {
      const body = Buffer.from(`{"prompt":[{${order.join(',')}},{"type":"text","data":"x"}]}`);
      expect(await differencesAtEveryCut(body, promptRoute)).toEqual([]);
    }
  });

  it('of a part of a message', async () => {
    for (const type of ['image_url', 'text']) {
      for (const url of [`${png}AAEC`, 'http://x', 'A*']) {
        const pairs = [`"type":"${type}"`, `"image_url":{"detail":"auto","url":"${url}"}`, '"text":"t"'];
        for (const order of permutations(pairs)) {
          expect(await differencesAtEveryCut(Buffer.from(chat(`{${order.join(',')}}`)), chatRoute)).toEqual(
            [],
          );
        }
      }
    }
  });
});
