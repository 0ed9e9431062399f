import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { quote } from '../parts/api-key.mjs';

/**
 * @typedef {object} Welcome
 * @property {string} root
 * @property {string} url
 * @property {import('../parts/api-key.mjs').ApiKey} apiKey
 * @property {readonly string[]} modelNames
 * @property {string | undefined} certificate
 * @property {string} logFolder
 */

/** Pictures that the repository ships, and what to ask about each. */
const samples = [
  { model: 'ocr', picture: 'sample.png', question: 'What does it say?', isStreamed: false },
  { model: 'shapes-vlm', picture: 'shapes.png', question: 'Describe the following image.', isStreamed: true },
];

/**
 * What to do now: address, key, models, and lines to paste into a shell.
 * @param {Welcome} welcome
 */
export function welcomeText(welcome) {
  const { url, apiKey, modelNames, logFolder } = welcome;
  const lines = [
    '',
    'Fovea is ready.',
    '',
    `  URL     ${url}/v1`,
    `  Key     ${apiKey.shellWord.startsWith('"') ? apiKey.source : `${apiKey.key}   (${apiKey.source})`}`,
    `  Models  ${modelNames.join(', ') || 'none: start a worker-adapter, or put its TOML file into FOVEA_WORKERS'}`,
    `  Logs    ${logFolder}`,
    '',
  ];
  for (const sample of samples) {
    const picture = join(welcome.root, 'examples', sample.picture);
    if (!modelNames.includes(sample.model) || !existsSync(picture)) continue;
    lines.push(
      `Ask ${sample.model} about ${picture}${sample.isStreamed ? ', answered token by token' : ''}:`,
      '',
    );
    lines.push(curlLine(welcome, { ...sample, picture }), '');
  }
  lines.push('Ctrl-C stops everything; requests that run are finished first.');
  return lines.join('\n');
}

/**
 * One line for any POSIX shell. The picture goes through a pipe: as an argument it would meet the limit on their size.
 * @param {Welcome} welcome
 * @param {{ model: string, picture: string, question: string, isStreamed: boolean }} sample
 */
export function curlLine({ url, apiKey, certificate }, { model, picture, question, isStreamed }) {
  const marker = '\u0000';
  const body = JSON.stringify({
    model,
    temperature: 0,
    ...(isStreamed ? { stream: true } : {}),
    messages: [
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: `data:image/png;base64,${marker}` } },
          { type: 'text', text: question },
        ],
      },
    ],
  });
  const [before = '', after = ''] = body.split(JSON.stringify(marker).slice(1, -1));
  const base64 = `base64 < ${quote(picture)} | tr -d '\\n'`;
  const print = (/** @type {string} */ text) => `printf %s ${quote(text)}`;
  const authorization = apiKey.shellWord.startsWith('"')
    ? `"Authorization: Bearer ${apiKey.shellWord.slice(1, -1)}"`
    : quote(`Authorization: Bearer ${apiKey.key}`);
  const curl = [
    `curl -sS${isStreamed ? 'N' : ''} ${quote(`${url}/v1/chat/completions`)}`,
    ...(certificate === undefined ? [] : [`--cacert ${quote(certificate)}`]),
    `-H ${authorization} -H 'Content-Type: application/json' --data-binary @-`,
  ].join(' ');
  return `{ ${print(before)}; ${base64}; ${print(after)}; } | ${curl}`;
}
