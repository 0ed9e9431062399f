import type { ImageTensor } from '@fovea/image-preprocessing';

/** One of the networks, and the file that an operator looks for when it is the wrong one. */
export interface Network {
  readonly file: string;
  run(input: ImageTensor): Promise<Float32Array>;
}

export interface Networks {
  readonly detection: Network;
  readonly recognition: Network;
  readonly orientation: Network;
}

/** Sums of probabilities are 1 but for rounding, which half precision does coarsely. */
const TOLERANCE = 0.02;
const detectionSize = { width: 192, height: 64 };
const lineSize = { width: 320, height: 48 };
const orientationSize = { width: 192, height: 48 };
const ORIENTATIONS = 2;

/** Stripes: neither all zeros, which hide a wrong weight, nor text, which not every alphabet can read. */
function stripes({ width, height }: { width: number; height: number }): ImageTensor {
  const values = Float32Array.from({ length: 3 * width * height }, (_, at) => ((at >> 3) % 2 === 0 ? 1 : -1));
  return { values, width, height };
}

/** Rows of probabilities, or the reason why they are none. */
function problemOf(values: Float32Array, classes: number): string | undefined {
  if (values.length === 0 || values.length % classes !== 0) {
    return `it gives ${values.length} numbers, no rows of ${classes}`;
  }
  for (let start = 0; start < values.length; start += classes) {
    const sum = values.subarray(start, start + classes).reduce((total, value) => total + value, 0);
    // Also true for what is not a number.
    if (!(Math.abs(sum - 1) <= TOLERANCE)) return `its probabilities add up to ${sum}`;
  }
  return undefined;
}

function detectionProblem(values: Float32Array): string | undefined {
  const cells = detectionSize.width * detectionSize.height;
  if (values.length !== cells) return `it gives ${values.length} numbers for ${cells} pixels`;
  return values.every((value) => value >= 0 && value <= 1) ? undefined : 'it gives no probabilities';
}

/**
 * Warms the three networks up, and finds out whether each is what its name says.
 *
 * @param characters classes of the recognition network
 * @throws Error that names the file of the network that does not run or gives nonsense.
 */
export async function testNetworks(networks: Networks, characters: number): Promise<void> {
  const test = async (
    { file, run }: Network,
    size: { width: number; height: number },
    problem: (values: Float32Array) => string | undefined,
  ) => {
    const values = await run(stripes(size)).catch((error: unknown) => {
      throw new Error(
        `${file}: the self-test failed: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
    const found = problem(values);
    if (found !== undefined) throw new Error(`${file}: the self-test failed: ${found}`);
  };
  await test(networks.detection, detectionSize, detectionProblem);
  await test(networks.recognition, lineSize, (values) => problemOf(values, characters));
  await test(networks.orientation, orientationSize, (values) => problemOf(values, ORIENTATIONS));
}
