import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import sharp, { type Sharp } from 'sharp';
import type { ChatModel, ChatModelPiece, ChatModelRequest } from '../chat-model.js';
import { ocrFamily } from './ocr-family.js';
import { readOcrFolder } from './ocr-folder.js';

// The networks run in a thread, and threads run compiled code: build before.
const runtime = {
  executionProviders: ['cpu'],
  dtypes: [],
  threads: 2,
  replicas: 1,
  maxRunning: 2,
  maxWaiting: 1,
  kvCacheBytes: 0,
  prefixCacheBytes: 0,
  imageCacheBytes: 0,
  speech: { maxAudioS: 3600, vad: false, ffmpeg: 'none', retriesDoubtful: false },
};
const folder = new URL('../../../../../models/ocr', import.meta.url).pathname;

const fixture = (name: string): Promise<Buffer> => readFile(new URL(`fixtures/${name}`, import.meta.url));

const labelLines = [
  'Parcel for Room 214',
  'Weight 3.75 kg',
  'Declared value $ 120.00',
  'Handle with care, keep dry.',
];
const columnsLines = [
  'A Quiet Day at the Harbour',
  'Rain fell on the harbour',
  'all through the night, and',
  'no boat left the quay until',
  'the bell rang twice.',
  'In the morning the sky was',
  'clear. Nets were mended on',
  'the pier, and the first sails',
  'were hoisted by eight.',
  'Printed in the harbour office, with one press and two old hands.',
];
const signLines = ['Keep this door shut', 'Alarm will sound', 'Form 27-B rev. 4'];

function request(images: readonly Uint8Array[], changes: Partial<ChatModelRequest> = {}): ChatModelRequest {
  const parts = images.map((bytes, at) => ({
    type: 'image' as const,
    image: { bytes, path: `messages[0].content[${at}].image_url.url` },
  }));
  return {
    requestId: 'r',
    messages: [{ role: 'user', content: parts }],
    sampling: {},
    choices: 1,
    ...changes,
  };
}

async function collect(pieces: AsyncIterable<ChatModelPiece>): Promise<ChatModelPiece[]> {
  const all: ChatModelPiece[] = [];
  for await (const piece of pieces) all.push(piece);
  return all;
}

describe('the OCR model with its real weights', () => {
  let model: ChatModel;
  let label: Buffer;
  const never = new AbortController().signal;

  beforeAll(async () => {
    model = await ocrFamily.load({ name: 'ocr', folder, modelType: 'pp-ocr' }, runtime);
    label = await fixture('label.png');
  }, 300_000);
  afterAll(() => model.close());

  async function read(...images: Uint8Array[]): Promise<string> {
    const pieces = await collect(model.start(request(images), never));
    return pieces.map(({ text }) => text).join('');
  }
  const linesOf = async (file: Uint8Array): Promise<string[]> => (await read(file)).split('\n');

  it('reads rows of labels and values, columns, and a note along the edge of a dark sign', async () => {
    expect(await linesOf(label)).toEqual(labelLines);
    expect(await linesOf(await fixture('columns.png'))).toEqual(columnsLines);
    expect(await linesOf(await fixture('sign.png'))).toEqual(signLines);
  });

  it('reads the sample picture of the quick start', async () => {
    const sample = await readFile(new URL('../../../../../examples/sample.png', import.meta.url));
    expect(sample.length).toBeLessThan(40_000);
    expect(await linesOf(sample)).toEqual([
      'Lighthouse Books Invoice 2041',
      '2 x Field Guide to Birds $ 38.00',
      '1 x Atlas of the Seas $ 52.50',
      'Shipping $ 6.90',
      'Total due $ 97.40',
      'Please pay by 15 March. Thank you!',
    ]);
  });

  it.each([-12, 7, 30, 90, 180, 270, 300])('reads a page turned by %d degrees', async (degrees) => {
    const turned = await sharp(label).rotate(degrees, { background: '#fff' }).png().toBuffer();
    expect(await linesOf(turned)).toEqual(labelLines);
  });

  const kinds: Record<string, (picture: Sharp) => Sharp> = {
    'a photo by a camera on its side': (picture) =>
      picture.withMetadata({ orientation: 6 }).rotate(270).jpeg({ quality: 90 }),
    grey: (picture) => picture.toColourspace('b-w').png(),
    '16 bit': (picture) => picture.toColourspace('rgb16').png(),
    'black on transparent': (picture) => picture.unflatten().png(),
    'lossy WebP': (picture) => picture.webp({ quality: 80 }),
    GIF: (picture) => picture.gif(),
    'three times the size': (picture) => picture.resize(1680).jpeg(),
  };
  it.each(Object.entries(kinds))('reads every kind of file: %s', async (_name, change) => {
    expect(await linesOf(await change(sharp(label)).toBuffer())).toEqual(labelLines);
  });

  it('reads a strip of the greatest width and a picture of the greatest size', async () => {
    const strip = await sharp(label).extract({ left: 0, top: 180, width: 560, height: 50 }).toBuffer();
    const wide = await sharp(strip).extend({ right: 3440, background: '#fff' }).png().toBuffer();
    expect(await linesOf(wide)).toEqual(['Handle with care, keep dry.']);
    const vast = await sharp(label)
      .resize(2240)
      .extend({ right: 1760, bottom: 3040, background: '#fff' })
      .png()
      .toBuffer();
    expect((await sharp(vast).metadata()).height).toBe(4000);
    expect(await linesOf(vast)).toEqual(labelLines);
  });

  it('answers an empty picture with an empty text', async () => {
    const blank = await sharp({ create: { width: 300, height: 200, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();
    expect(await collect(model.start(request([blank]), never))).toEqual([
      {
        index: 0,
        text: '',
        tokenIds: [],
        promptTokens: 70,
        completionTokens: 0,
        end: { finishReason: 'stop', stopReason: null },
      },
    ]);
  });

  it('streams a piece per row and counts cells and characters', async () => {
    const pieces = await collect(model.start(request([label]), never));
    expect(pieces.map(({ text }) => text)).toEqual([
      labelLines[0],
      ...labelLines.slice(1).map((line) => `\n${line}`),
      '',
    ]);
    expect(pieces.every(({ promptTokens }) => promptTokens === 18 * 8)).toBe(true);
    expect(pieces.at(-1)).toMatchObject({
      completionTokens: labelLines.join('\n').length,
      end: { finishReason: 'stop', stopReason: null },
    });
  });

  it('parts several pictures by blank lines, also where one holds no text', async () => {
    const blank = await sharp({ create: { width: 90, height: 90, channels: 3, background: '#fff' } })
      .png()
      .toBuffer();
    const answer = await read(label, blank, await fixture('sign.png'));
    expect(answer.split('\n\n')).toEqual([labelLines.join('\n'), '', signLines.join('\n')]);
  });

  it('keeps to max_tokens and to stop strings, and gives the same text for every choice', async () => {
    const short = await collect(model.start(request([label], { sampling: { maxTokens: 10 } }), never));
    expect(short.map(({ text }) => text).join('')).toBe('Parcel for');
    expect(short.at(-1)).toMatchObject({ completionTokens: 10, end: { finishReason: 'length' } });

    const stopped = await collect(
      model.start(request([label], { sampling: { stop: ['value'] }, choices: 2 }), never),
    );
    for (const index of [0, 1]) {
      const pieces = stopped.filter((piece) => piece.index === index);
      expect(pieces.map(({ text }) => text).join('')).toBe('Parcel for Room 214\nWeight 3.75 kg\nDeclared ');
      expect(pieces.at(-1)!.end).toEqual({ finishReason: 'stop', stopReason: 'value' });
    }
  });

  it('names the picture that is damaged behind its header, and reads on for others', async () => {
    const broken = label.subarray(0, label.length / 2);
    await expect(read(label, broken)).rejects.toMatchObject({
      code: 'INVALID_IMAGE',
      param: 'messages[0].content[1].image_url.url',
    });
    expect(await linesOf(label)).toEqual(labelLines);
    expect(model.load()).toEqual({ running: 0, waiting: 0, kvCacheUsage: 0 });
  });

  it('stops between rows when nobody waits any more', async () => {
    const gone = new AbortController();
    const pieces = model.start(request([label, label, label]), gone.signal)[Symbol.asyncIterator]();
    expect((await pieces.next()).value).toMatchObject({ text: labelLines[0] });
    gone.abort(new Error('gone'));
    await expect(pieces.next()).rejects.toThrow('gone');
    expect(model.load()).toEqual({ running: 0, waiting: 0, kvCacheUsage: 0 });
  });

  it('reads two requests side by side, lets a third wait, refuses a fourth', async () => {
    const started = Array.from({ length: 4 }, () =>
      model.start(request([label]), never)[Symbol.asyncIterator](),
    );
    const [first, second, third, fourth] = started.map((pieces) => pieces.next());
    await expect(fourth).rejects.toMatchObject({ code: 'QUEUE_FULL', status: 503 });
    await Promise.all([first, second]);
    expect(model.load()).toEqual({ running: 2, waiting: 1, kvCacheUsage: 0 });
    await started[0]!.return?.();
    expect((await third)!.value).toMatchObject({ text: labelLines[0] });
    await Promise.all(started.slice(1, 3).map((pieces) => pieces.return?.()));
    expect(model.load()).toEqual({ running: 0, waiting: 0, kvCacheUsage: 0 });
  });
});

describe('loading an OCR folder', () => {
  it('refuses with the file and the reason when a graph is none or the characters are not those of the network', async () => {
    const copy = await mkdtemp(join(tmpdir(), 'ocr-model-'));
    const load = () => ocrFamily.load({ name: 'ocr', folder: copy, modelType: 'pp-ocr' }, runtime);
    const shipped = await readOcrFolder(folder);
    const config = {
      model_type: 'pp-ocr',
      detection_file: 'det.onnx',
      recognition_file: 'rec.onnx',
      orientation_file: 'cls.onnx',
      characters_file: 'keys.txt',
      max_model_len: 1000,
    };
    try {
      await writeFile(join(copy, 'config.json'), JSON.stringify(config));
      await symlink(shipped.files.recognition, join(copy, 'rec.onnx'));
      await symlink(shipped.files.orientation, join(copy, 'cls.onnx'));
      await writeFile(join(copy, 'keys.txt'), 'a\nb\n');
      await writeFile(join(copy, 'det.onnx'), 'no graph');
      await expect(load()).rejects.toThrow(join(copy, 'det.onnx'));
      await rm(join(copy, 'det.onnx'));
      await symlink(shipped.files.detection, join(copy, 'det.onnx'));
      await expect(load()).rejects.toThrow(
        `${join(copy, 'keys.txt')}: 4 characters with blank and space, the network has 6625`,
      );
    } finally {
      await rm(copy, { recursive: true });
    }
  });

  it.each([
    ['detection', 'orientation', 'the self-test failed: it gives 2 numbers for 12288 pixels'],
    ['recognition', 'detection', 'the self-test failed: '],
    ['orientation', 'recognition', 'the self-test failed: its probabilities add up to '],
  ] as const)(
    'is refused at the start when its network for %s is that for %s',
    async (place, other, reason) => {
      const { files } = await readOcrFolder(folder);
      const copy = await mkdtemp(join(tmpdir(), 'ocr-swapped-'));
      const own = { ...files, [place]: files[other] };
      try {
        for (const [name, file] of Object.entries(own)) await symlink(file, join(copy, name));
        const names = Object.keys(own).map((name) => [`${name}_file`, name]);
        const config = { model_type: 'pp-ocr', ...Object.fromEntries(names), max_model_len: 1000 };
        await writeFile(join(copy, 'config.json'), JSON.stringify(config));
        const loading = ocrFamily.load({ name: 'ocr', folder: copy, modelType: 'pp-ocr' }, runtime);
        await expect(loading).rejects.toThrow(`${join(copy, place)}: ${reason}`);
      } finally {
        await rm(copy, { recursive: true });
      }
    },
  );
});
