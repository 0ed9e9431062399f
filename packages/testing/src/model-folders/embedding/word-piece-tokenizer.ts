/** The special tokens of BERT, in the order of their ids. */
export const bertTokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

const words =
  'the of and to in is red green blue fox house tax law text number more sea sun over hill quick brown jump lazy dog'.split(
    ' ',
  );
const letters = [...'abcdefghijklmnopqrstuvwxyz0123456789'];
const endings = ['##s', '##ed', '##ing', ...letters.map((letter) => `##${letter}`)];

/** Entries of the vocabulary; a token's id is its place. */
export const wordPieces: readonly string[] = [
  ...bertTokens,
  ...letters,
  ...[...',.!?-:'],
  ...words,
  ...endings,
];

/** A `tokenizer.json` of BERT's form: lower case, words cut into pieces, `[CLS]` and `[SEP]` around a text. */
export function wordPieceTokenizer(): object {
  const special = (token: (typeof bertTokens)[number]) => ({
    [token]: { id: token, ids: [bertTokens.indexOf(token)], tokens: [token] },
  });
  const flags = { single_word: false, lstrip: false, rstrip: false, normalized: false, special: true };
  const around = (id: string) => ({ SpecialToken: { id, type_id: 0 } });
  const single = [around('[CLS]'), { Sequence: { id: 'A', type_id: 0 } }, around('[SEP]')];
  return {
    version: '1.0',
    // As exports of sentence encoders have it; a server must not cut by it.
    truncation: { direction: 'Right', max_length: 8, strategy: 'LongestFirst', stride: 0 },
    padding: null,
    added_tokens: bertTokens.map((content, id) => ({ id, content, ...flags })),
    normalizer: {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: true,
    },
    pre_tokenizer: { type: 'BertPreTokenizer' },
    post_processor: {
      type: 'TemplateProcessing',
      single,
      pair: [...single, { Sequence: { id: 'B', type_id: 1 } }, { SpecialToken: { id: '[SEP]', type_id: 1 } }],
      special_tokens: { ...special('[CLS]'), ...special('[SEP]') },
    },
    decoder: { type: 'WordPiece', prefix: '##', cleanup: true },
    model: {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(wordPieces.map((piece, id) => [piece, id])),
    },
  };
}
