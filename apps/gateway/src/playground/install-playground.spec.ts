import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fastify, { type FastifyInstance } from 'fastify';
import { installPlayground } from './install-playground.js';
import { readPageFiles } from './page-files.js';

describe('the page at /', () => {
  let folder: string;
  let server: FastifyInstance;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'fovea-page-'));
    mkdirSync(join(folder, 'page'));
    mkdirSync(join(folder, 'dist/chat'), { recursive: true });
    writeFileSync(join(folder, 'page/index.html'), '<!doctype html>');
    writeFileSync(join(folder, 'page/a.css'), 'a {}');
    writeFileSync(join(folder, 'dist/chat/ask.js'), 'export {};');
    writeFileSync(join(folder, 'dist/chat/ask.spec.js'), 'secret');
    writeFileSync(join(folder, 'dist/chat/ask.d.ts'), 'export {};');
    server = fastify();
    installPlayground(server, readPageFiles(folder));
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  it.each([
    ['/', 'text/html; charset=utf-8', '<!doctype html>'],
    ['/playground/a.css', 'text/css; charset=utf-8', 'a {}'],
    ['/playground/chat/ask.js', 'text/javascript; charset=utf-8', 'export {};'],
  ])('serves %s to GET and HEAD', async (url, type, text) => {
    const whole = await server.inject({ url });
    expect([whole.statusCode, whole.headers['content-type'], whole.body]).toEqual([200, type, text]);
    const head = await server.inject({ method: 'HEAD', url });
    expect([head.statusCode, head.headers['content-length'], head.body]).toEqual([200, `${text.length}`, '']);
  });

  it('lets nothing in from elsewhere, and nobody put it into a frame', async () => {
    const { headers } = await server.inject({ url: '/' });
    const policy = String(headers['content-security-policy']);
    expect(policy).toMatch(/^default-src 'none'; /);
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers).toMatchObject({ 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' });
  });

  it.each([
    ['the same tag', (tag: string) => tag, 304],
    ['the same tag, made weak by a proxy', (tag: string) => `"x", W/${tag}`, 304],
    ['any tag', () => '*', 304],
    ['another tag', () => '"x"', 200],
  ])('answers a browser that has %s', async (_what, tagOf, status) => {
    const { headers } = await server.inject({ url: '/' });
    const known = { 'if-none-match': tagOf(String(headers.etag)) };
    expect((await server.inject({ url: '/', headers: known })).statusCode).toBe(status);
  });

  it.each([
    '/playground/chat/ask.spec.js',
    '/playground/chat/ask.d.ts',
    '/playground/index.html',
    '/playground/..%2fpackage.json',
    '/playground/',
  ])('has no %s', async (url) => {
    expect((await server.inject({ url })).statusCode).toBe(404);
  });

  it('answers nothing but GET and HEAD', async () => {
    expect((await server.inject({ method: 'POST', url: '/' })).statusCode).toBe(404);
  });

  it('is missed at the start when it has not been built', () => {
    rmSync(join(folder, 'dist'), { recursive: true });
    mkdirSync(join(folder, 'dist'));
    expect(() => readPageFiles(folder)).toThrow(/has not been built/);
  });
});
