import { type Message, messagesOf, type Part, type Question } from '../chat/conversation.js';

/** A Python string literal; JSON's escapes are also Python's. */
const literal = (text: string): string => JSON.stringify(text);

const partLine = (part: Part): string =>
  part.type === 'text'
    ? `{"type": "text", "text": ${literal(part.text)}}`
    : `picture(${literal(part.picture.name)}, ${literal(part.picture.mediaType)})`;

function messageLines({ role, content }: Message): string[] {
  if (typeof content === 'string') return [`        {"role": "${role}", "content": ${literal(content)}},`];
  const parts = content.map((part) => `            ${partLine(part)},`);
  return [`        {"role": "${role}", "content": [`, ...parts, '        ]},'];
}

const helper = [
  '',
  'def picture(path, media_type):',
  '    with open(path, "rb") as file:',
  '        data = base64.b64encode(file.read()).decode()',
  '    return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}',
  '',
];

/** The question as a program for OpenAI's Python client; pictures are read from files of their names. */
export function asPython(question: Question, origin: string): string {
  const messages = messagesOf(question);
  const hasPictures = messages.some(({ content }) => typeof content !== 'string');
  return [
    ...(hasPictures ? ['import base64'] : []),
    'import os',
    '',
    'from openai import OpenAI',
    '',
    `client = OpenAI(base_url=${literal(`${origin}/v1`)}, api_key=os.environ["FOVEA_API_KEY"])`,
    '',
    ...(hasPictures ? [...helper, ''] : []),
    'stream = client.chat.completions.create(',
    `    model=${literal(question.model)},`,
    '    messages=[',
    ...messages.flatMap(messageLines),
    '    ],',
    ...Object.entries(question.sampling).map(([name, value]) => `    ${name}=${JSON.stringify(value)},`),
    '    stream=True,',
    '    stream_options={"include_usage": True},',
    ')',
    'for chunk in stream:',
    '    if chunk.choices:',
    '        print(chunk.choices[0].delta.content or "", end="", flush=True)',
    'print()',
    '',
  ].join('\n');
}
