import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeIf, program, pythonClients } from '@fovea/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dataUrl, plainPicture } from '../support/pictures.js';
import { keys, System } from '../support/system.js';
import { until } from '../support/until.js';
import { curlClients, nodeClients, pythonSenders, type Sending } from './clients.js';

const MIB = 1024 * 1024;

describe('every client sees an answer that comes before the end of its upload', () => {
  let system: System;
  let folder: string;
  let tooLarge: string;
  let badImage: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fovea-wire-'));
    [tooLarge, badImage] = [join(folder, 'too-large.json'), join(folder, 'bad-image.json')];
    await writeFile(tooLarge, Buffer.alloc(100 * MIB, ' '));
    const wide = dataUrl((await plainPicture(4001, 10)).subarray(0, 60));
    const message = `{"model":"vlm","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"${wide}`;
    await writeFile(badImage, Buffer.concat([Buffer.from(message), Buffer.alloc(50 * MIB, 'A')]));
    system = await System.start({
      engineUrl: 'http://127.0.0.1:9',
      env: { GATEWAY_MAX_BODY_BYTES: `${64 * MIB}` },
    });
  }, 300_000);
  afterAll(async () => {
    await system?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  function suite(clients: typeof nodeClients): void {
    describe.each(Object.entries(clients))('%s', (_name, send) => {
      const sending = (file: string, key: string = keys.alpha): Sending => ({ url: system.url, key, file });

      it('sees that its key is not known', async () => {
        const { status, body } = await send(sending(tooLarge, 'nobody'));
        expect([status, body.code]).toEqual([401, 'UNAUTHORIZED']);
      });

      it('sees that its body is too large', async () => {
        const { status, body } = await send(sending(tooLarge));
        expect([status, body.code]).toEqual([413, 'PAYLOAD_TOO_LARGE']);
        // In chunks, blanks are over the limit of text before they are over that of the body.
        expect(body.error?.limit).toMatchObject({ name: expect.stringMatching(/^max_(body|text)_bytes$/) });
      });

      it('sees what is wrong with an image in the middle of its upload', async () => {
        const { status, body } = await send(sending(badImage));
        expect([status, body.code]).toEqual([400, 'IMAGE_TOO_LARGE']);
        expect(body.error?.param).toBe('messages[0].content[0].image_url.url');
      });
    });
  }

  suite(nodeClients);
  describeIf(program('curl'), 'of a shell', () => suite(curlClients));
  describeIf(pythonClients, 'of Python', () => suite(pythonSenders));

  it('and nothing of it is left: no bytes in flight, no blobs', async () => {
    await until('all bytes to be given back', async () => {
      const metrics = await (await fetch(`${system.opsUrl}/metrics`)).text();
      return /^fovea_upload_bytes_in_flight\{[^}]*\} 0$/m.test(metrics);
    });
    await system.untilClean();
  });
});
