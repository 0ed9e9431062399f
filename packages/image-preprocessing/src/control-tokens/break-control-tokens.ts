import type { ImageFamily } from '@fovea/schemas/model-package';

/**
 * Texts that stand for pictures in a prompt, by family. Engines find them in the whole prompt, whoever wrote them: one that
 * a client typed takes a picture's place or crashes the engine (CVE-2026-44222).
 *
 * Tokens of the chat itself, such as `<|im_start|>`, are left alone: they harm nobody but their sender, who may set any
 * role of the conversation anyway, and texts about language models quote them.
 */
const sources = {
  qwen: String.raw`<\|(?:vision_start|vision_end|vision_pad|image_pad|video_pad)\|>`,
  idefics3: String.raw`<(?:image|video|fake_token_around_image|global-img|row_\d+_col_\d+)>`,
  llava: '<(?:image|video)>',
  internvl: '<(?:img|/img|IMG_CONTEXT|image|video)>',
  gemma3: '<(?:start_of_image|end_of_image|image_soft_token)>',
  /** Of families that we cannot count: Llama, GLM, Phi. */
  others: String.raw`<\|(?:image|video|image_\d+|begin_of_image|end_of_image|begin_of_video|end_of_video)\|>`,
} as const;

const patternOf = (source: string): RegExp => new RegExp(source, 'g');

const any = patternOf(Object.values(sources).join('|'));
const qwen = patternOf(sources.qwen);
const idefics3 = patternOf(sources.idefics3);
const llava = patternOf(sources.llava);

const patterns: Readonly<Record<ImageFamily, RegExp>> = {
  qwen2_vl: qwen,
  qwen2_5_vl: qwen,
  qwen3_vl: qwen,
  idefics3,
  smolvlm: idefics3,
  llava,
  llava_next: llava,
  internvl: patternOf(sources.internvl),
  gemma3: patternOf(sources.gemma3),
};

/** U+2060, which has no width and does not break a line: the text looks the same and is no token any more. */
const WORD_JOINER = '\u2060';

export interface BrokenText {
  readonly text: string;
  /** How many tokens were broken. */
  readonly broken: number;
}

/**
 * Puts a word joiner behind the first character of every vision control token in a text. Each is a run from `<` to the
 * next `>`, so none can arise from breaking another.
 *
 * @param family null when it is not known: then those of all families are broken.
 */
export function breakControlTokens(text: string, family: ImageFamily | null): BrokenText {
  if (!text.includes('<')) return { text, broken: 0 };
  let broken = 0;
  const changed = text.replace(family === null ? any : patterns[family], (token) => {
    broken += 1;
    return `<${WORD_JOINER}${token.slice(1)}`;
  });
  return { text: changed, broken };
}
