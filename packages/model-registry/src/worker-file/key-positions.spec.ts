import { describe, expect, it } from '@jest/globals';
import { keyPositions } from './key-positions.js';

const text = `# queue.version = 1
edition = 1 # [queue]
[generator]
  type = "onnx"
url = ["http://a", # url = "b"
  'http://]b',
]
note = """
version = 2
[queue] "" \\""" still
"""
[ queue . models . "my.model" ]
chat_task.supported = true
chat_task.other = { a = "}", b = [1] }
'quoted key' = '''
x = 1'''
[queue]
version = 1`;
const find = keyPositions(text);

describe('keyPositions', () => {
  it.each([
    [['edition'], 2, 1],
    [['generator', 'type'], 4, 3],
    [['generator', 'url', 1], 5, 1],
    [['generator', 'note'], 8, 1],
    [['queue', 'models', 'my.model'], 12, 1],
    [['queue', 'models', 'my.model', 'chat_task', 'supported'], 13, 1],
    [['queue', 'models', 'my.model', 'chat_task', 'other', 'b'], 14, 1],
    [['queue', 'models', 'my.model', 'quoted key'], 15, 1],
    [['queue', 'version'], 18, 1],
  ])('finds %j', (path, line, column) => {
    expect(find(path)).toEqual({ line, column });
  });

  it('names the table around a key that is missing, and nothing for the whole file', () => {
    expect(find(['queue', 'checkpoint_name'])).toEqual({ line: 17, column: 1 });
    expect(find(['monitoring', 'metrics_port'])).toBeUndefined();
  });

  it('counts lines of files from Windows', () => {
    expect(keyPositions('a = 1\r\n[b]\r\nc = 2\r\n')(['b', 'c'])).toEqual({ line: 3, column: 1 });
  });
});
