import { describe, expect, it } from '@jest/globals';
import { SseParser } from './sse-parser.js';

const stream = 'data: {"a":1}\n\n: a comment\ndata:two\r\ndata: lines\r\n\r\nevent: x\n\ndata: [DONE]\n\n';
const events = ['{"a":1}', 'two\nlines', '[DONE]'];

describe('the parser of server-sent events', () => {
  it('tells the data of each event, whatever else is in the stream', () => {
    expect(new SseParser().push(stream)).toEqual(events);
  });

  it('finds the same events wherever the stream is cut', () => {
    for (let at = 0; at <= stream.length; at += 1) {
      const parser = new SseParser();
      expect([...parser.push(stream.slice(0, at)), ...parser.push(stream.slice(at))]).toEqual(events);
    }
  });

  it('keeps an event back until it is whole', () => {
    const parser = new SseParser();
    expect(parser.push('data: a\n')).toEqual([]);
    expect(parser.push('\n')).toEqual(['a']);
  });
});
