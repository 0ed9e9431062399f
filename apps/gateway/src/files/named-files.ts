import type { MessageWire } from '@fovea/schemas/http';
import type { NamedFile } from './file-shelf.js';

/** The path of the `image_file` part of a message, as errors name it. */
export const namedFilePath = (message: number, part: number): string =>
  `messages[${message}].content[${part}].image_file.file_id`;

/** The stored files that a conversation names, in order; a file may be named more than once. */
export function namedFiles(messages: readonly MessageWire[]): NamedFile[] {
  return messages.flatMap(({ content }, message) =>
    typeof content === 'string' || content === undefined || content === null
      ? []
      : content.flatMap((part, index) =>
          part.type === 'image_file'
            ? [{ id: part.image_file.file_id, path: namedFilePath(message, index) }]
            : [],
        ),
  );
}
