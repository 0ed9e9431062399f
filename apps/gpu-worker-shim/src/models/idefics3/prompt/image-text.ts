import type { Idefics3Grid } from '@fovea/image-preprocessing';

export const IMAGE_TOKEN = '<image>';
const FAKE_TOKEN = '<fake_token_around_image>';
const GLOBAL_TOKEN = '<global-img>';

/**
 * What one `<image>` of a rendered template becomes, as `Idefics3Processor` of Hugging Face transformers has it: every
 * tile with its row and column, then the view of the whole image.
 */
export function idefics3ImageText(
  { rows, columns }: Pick<Idefics3Grid, 'rows' | 'columns'>,
  tokensPerTile: number,
): string {
  const tokens = IMAGE_TOKEN.repeat(tokensPerTile);
  const whole = `${FAKE_TOKEN}${GLOBAL_TOKEN}${tokens}${FAKE_TOKEN}`;
  if (rows === 0) return whole;
  let text = '';
  for (let row = 1; row <= rows; row += 1) {
    for (let column = 1; column <= columns; column += 1) {
      text += `${FAKE_TOKEN}<row_${row}_col_${column}>${tokens}`;
    }
    text += '\n';
  }
  return `${text}\n${whole}`;
}
