import { readFile } from 'node:fs/promises';
import {
  decodeRgbImage,
  type ImageTensor,
  ppOcrDetectionSize,
  type RgbImage,
  type RotatedBox,
  rotateRgbImage,
  toPpOcrDetectionTensor,
  toPpOcrLineTensor,
} from '@fovea/image-preprocessing';
import { type InferenceSession, Tensor } from 'onnxruntime-node';
import { floatsOf, openSession, tensorFacts } from '../../../engine/onnx-session.js';
import { findTextBoxes } from '../detection/text-boxes.js';
import {
  type DirectedPage,
  directBoxes,
  liesAcross,
  quarterTurns,
  turnedBox,
  turnedPage,
} from '../layout/page-direction.js';
import { toReadingOrder } from '../layout/reading-order.js';
import { decodeCtc, lineConfidence, parseAlphabet } from '../recognition/ctc.js';
import type { OcrThreadSettings } from './ocr-protocol.js';
import { testNetworks } from './ocr-self-test.js';

/** A decoded picture and the rows of text in it, in reading order. */
export interface Page {
  readonly image: RgbImage;
  readonly rows: readonly (readonly RotatedBox[])[];
}

const maxPictureSidePx = 4000;
/**
 * Boxes hold some air above and below their line, so letters come out narrow; stretched a little they are told apart
 * better: 2.0 % instead of 2.6 % were wrong on small and condensed print with 1.1 and 1.2; more loses spaces.
 */
const recognitionSize = { height: 48, minWidth: 320, maxWidth: 3840, stretch: 1.15 } as const;
/** Heights of boxes as the detection network sees them: higher lines are searched again, at the usual height. */
const maxDetectionHeightPx = 90;
const usualDetectionHeightPx = 45;
const orientationSize = { height: 48, minWidth: 192, maxWidth: 192, stretch: 1 } as const;
const orientationAspect = orientationSize.maxWidth / orientationSize.height;
/** Boxes that are asked whether the page stands on its head: the longest ones. */
const maxOrientationVotes = 24;
/** Shorter boxes are not asked: `a`, `8` or `OSLO` look much the same both ways. */
const minOrientationAspect = 2;
/** Mean confidence of a line's characters. What is read out of texture and ornaments stays below it. */
const minLineConfidence = 0.6;

interface Sessions {
  readonly detection: InferenceSession;
  readonly recognition: InferenceSession;
  readonly orientation: InferenceSession;
}

/** Finds and reads text with PP-OCR's three networks. Every run blocks its thread: use it in a worker thread only. */
export class TextReader {
  private constructor(
    private readonly sessions: Sessions,
    private readonly alphabet: readonly string[],
  ) {}

  /** Loads and tests the networks. Throws an `Error` that names the file and what is wrong with it. */
  static async open(settings: OcrThreadSettings): Promise<TextReader> {
    const alphabet = parseAlphabet(await readFile(settings.charactersFile, 'utf8'));
    const sessionSettings = { ...settings, hasVaryingShapes: true };
    const sessions = {
      detection: await openSession(settings.detectionFile, sessionSettings),
      recognition: await openSession(settings.recognitionFile, sessionSettings),
      orientation: await openSession(settings.orientationFile, sessionSettings),
    };
    const classes = tensorFacts(sessions.recognition.outputMetadata)[0]?.shape.at(-1);
    if (typeof classes === 'number' && classes !== alphabet.length) {
      throw new Error(
        `${settings.charactersFile}: ${alphabet.length} characters with blank and space, the network has ${classes}`,
      );
    }
    const network = (name: keyof Sessions) => ({
      file: settings[`${name}File`],
      run: (input: ImageTensor) => run(sessions[name], input),
    });
    await testNetworks(
      {
        detection: network('detection'),
        recognition: network('recognition'),
        orientation: network('orientation'),
      },
      alphabet.length,
    );
    return new TextReader(sessions, alphabet);
  }

  /**
   * Decodes a picture and finds its rows. Where the page lies on its side the picture is turned first, because
   * detection was trained on level text; any other skew is left to the cutting of lines.
   *
   * @throws FoveaError `INVALID_IMAGE` with `path` as its `param`.
   */
  async findRows(file: Uint8Array, path: string, isCancelled: () => boolean): Promise<Page> {
    let image = await decodeRgbImage(file, { maxPixels: maxPictureSidePx ** 2, path });
    stopWhen(isCancelled);
    let page = directBoxes(await this.findBoxes(image));
    const turns = quarterTurns(page.pageAngle);
    if (turns !== 0) {
      image = await rotateRgbImage(image, -turns);
      stopWhen(isCancelled);
      page = directBoxes(await this.findBoxes(image));
    }
    const { boxes, pageAngle } = await this.turnUpright(image, page, isCancelled);
    return { image, rows: toReadingOrder(boxes, pageAngle) };
  }

  /** Reads the boxes of a row and joins them with blanks; boxes without legible text are left out. */
  async readRow(image: RgbImage, row: readonly RotatedBox[], isCancelled: () => boolean): Promise<string> {
    const texts: string[] = [];
    for (const box of row) {
      stopWhen(isCancelled);
      texts.push(await this.readLine(image, box));
    }
    return texts.filter((text) => text !== '').join(' ');
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.sessions).map((session) => session.release()));
  }

  /**
   * Letters that fill much of the network's view fall apart into pieces: where most lines are that high, they are
   * searched once more at a scale that brings them to the usual height.
   */
  private async findBoxes(image: RgbImage): Promise<RotatedBox[]> {
    const { scale } = ppOcrDetectionSize(image.width, image.height);
    const boxes = await this.findBoxesAt(image, scale);
    const heights = boxes.map(({ width, height }) => Math.min(width, height)).sort((a, b) => a - b);
    const medianHeight = heights[Math.floor(heights.length / 2)] ?? 0;
    if (medianHeight * scale <= maxDetectionHeightPx) return boxes;
    return this.findBoxesAt(image, usualDetectionHeightPx / medianHeight);
  }

  private async findBoxesAt(image: RgbImage, maxScale: number): Promise<RotatedBox[]> {
    const tensor = await toPpOcrDetectionTensor(image, maxScale);
    const values = await run(this.sessions.detection, tensor);
    const { scale } = ppOcrDetectionSize(image.width, image.height, maxScale);
    return findTextBoxes({ values, width: tensor.width, height: tensor.height }, scale);
  }

  /** Lets the longest lines vote on which way up the page is; notes across it are asked one by one. */
  private async turnUpright(
    image: RgbImage,
    page: DirectedPage,
    isCancelled: () => boolean,
  ): Promise<DirectedPage> {
    const telling = page.boxes.filter(({ width, height }) => width >= minOrientationAspect * height);
    const voters = telling
      .filter((box) => !liesAcross(box, page.pageAngle))
      .sort((a, b) => b.width - a.width)
      .slice(0, maxOrientationVotes);
    let votes = 0;
    for (const box of voters) votes += (await this.headDownProbability(image, box, isCancelled)) - 0.5;
    const upright = votes > 0 ? turnedPage(page) : page;
    const boxes: RotatedBox[] = [];
    for (const box of upright.boxes) {
      const isNote = liesAcross(box, page.pageAngle) && box.width >= minOrientationAspect * box.height;
      const isHeadDown = isNote && (await this.headDownProbability(image, box, isCancelled)) > 0.5;
      boxes.push(isHeadDown ? turnedBox(box) : box);
    }
    return { ...upright, boxes };
  }

  /** Of a long line only the middle is shown to the network: squeezed to its size, it looks like anything. */
  private async headDownProbability(
    image: RgbImage,
    box: RotatedBox,
    isCancelled: () => boolean,
  ): Promise<number> {
    stopWhen(isCancelled);
    const middle = { ...box, width: Math.min(box.width, box.height * orientationAspect) };
    const tensor = toPpOcrLineTensor(image, middle, orientationSize);
    const [, probability] = await run(this.sessions.orientation, tensor);
    return probability ?? 0;
  }

  private async readLine(image: RgbImage, box: RotatedBox): Promise<string> {
    const values = await run(this.sessions.recognition, toPpOcrLineTensor(image, box, recognitionSize));
    const characters = decodeCtc(values, this.alphabet);
    if (lineConfidence(characters) < minLineConfidence) return '';
    return characters
      .map(({ text }) => text)
      .join('')
      .trim();
  }
}

async function run(session: InferenceSession, input: ImageTensor): Promise<Float32Array> {
  const [inputName] = session.inputNames;
  const [outputName] = session.outputNames;
  const tensor = new Tensor('float32', input.values, [1, 3, input.height, input.width]);
  return floatsOf(await session.run({ [inputName!]: tensor }), outputName!);
}

/** Runs take place in a later turn of the event loop, so news of a cancelled call have come in between two of them. */
function stopWhen(isCancelled: () => boolean): void {
  if (isCancelled()) throw new Error('The call was cancelled.');
}
