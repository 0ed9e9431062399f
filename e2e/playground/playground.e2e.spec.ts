import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type FakeVllm, startFakeVllm } from '@fovea/fake-vllm';
import { describeIf } from '@fovea/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContextOptions } from 'playwright-core';
import { plainPicture } from '../support/pictures.js';
import { keys, System } from '../support/system.js';
import { workerToml } from '../support/workers.js';
import { chromiumProgram, launchBrowser, Visit } from './browser.js';
import { silence } from './silence.js';
import { violations } from './violations.js';

describeIf(chromiumProgram, 'the playground', () => {
  let engine: FakeVllm;
  let speech: FakeVllm;
  let system: System;
  let browser: Browser;
  let folder: string;
  const visits: Visit[] = [];

  beforeAll(async () => {
    [engine, speech] = await Promise.all([
      startFakeVllm({ model: 'vlm' }),
      startFakeVllm({ model: 'w', tasks: ['generate', 'transcription'] }),
    ]);
    system = await System.start({ engineUrl: engine.url });
    const speechToml = workerToml('w', { multimodal: false })
      .replace('"vllm"', '"transcription"')
      .replace('supported = true', 'supported = false');
    [browser, folder] = await Promise.all([
      launchBrowser(),
      mkdtemp(join(tmpdir(), 'fovea-playground-')),
      system.startAdapter('vlm', workerToml('vlm', { imageFamily: 'qwen2_5_vl' })),
      system.startAdapter('w', speechToml, { ADAPTER_ENGINE_URL: speech.url }),
    ]);
    await system.untilModel('vlm', 'available');
    await system.untilModel('w', 'available');
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await system?.stop();
    await engine?.close();
    await speech?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });
  afterEach(async () => {
    const seen = visits.splice(0);
    await Promise.all(seen.map(({ context }) => context.close()));
    expect(seen.flatMap(({ complaints }) => complaints)).toEqual([]);
    expect(seen.flatMap(({ outside }) => outside)).toEqual([]);
  });

  async function visit(options: BrowserContextOptions = {}): Promise<Visit> {
    const started = await Visit.start(browser, system.url, options);
    visits.push(started);
    return started;
  }
  async function signedIn(options: BrowserContextOptions = {}): Promise<Visit> {
    const started = await visit(options);
    await started.signIn(keys.alpha);
    return started;
  }
  async function pictureFile(name: string, width: number, height: number): Promise<string> {
    const path = join(folder, name);
    await writeFile(path, await plainPicture(width, height));
    return path;
  }

  it('asks for the key, says when it is wrong, keeps it for the tab and forgets it', async () => {
    const { page, ...seen } = await visit();
    await page.locator('#key').fill('wrong');
    await page.keyboard.press('Enter');
    const problem = page.locator('#key-problem');
    await problem.filter({ hasText: 'A valid API key is required. Check the key.' }).waitFor();
    expect(await problem.innerText()).toMatch(/UNAUTHORIZED[\s\S]*request [0-9a-f-]{36}/);
    await page.locator('#key').fill(keys.alpha);
    await page.keyboard.press('Enter');
    await page.locator('#model option[value=vlm]').waitFor({ state: 'attached' });
    const state = await seen.context.storageState();
    expect(JSON.stringify(state)).not.toContain(keys.alpha);

    await page.reload();
    await page.locator('#model option[value=vlm]').waitFor({ state: 'attached' });
    await page.locator('#key-open').click();
    await page.locator('#key-clear').click();
    await page.reload();
    await page.locator('#key').waitFor();
    expect(await page.evaluate('JSON.stringify(sessionStorage)')).toBe('{}');
  });

  it('tells what a model can do', async () => {
    const { page } = await signedIn();
    expect(await page.locator('#capabilities').innerText()).toMatch(/^images\n(tools\n)?[\d,]+ tokens$/);
    expect(await page.locator('#model-about').innerText()).toBe('for tests');
  });

  it('takes pictures by file and from the clipboard, with pixels, bytes and tokens, and gives them back', async () => {
    const { page, context, text } = bound(await signedIn());
    await page.locator('#pictures').setInputFiles(await pictureFile('blue.png', 640, 480));
    expect(await text('#tray li', /tokens/)).toMatch(/blue\.png\s+640×480 · [\d.]+ (KiB|B) · 391 tokens/);

    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const base64 = (await plainPicture(56, 56)).toString('base64');
    const bytes = `Uint8Array.from(atob('${base64}'), (character) => character.charCodeAt(0))`;
    const item = `new ClipboardItem({ 'image/png': new Blob([${bytes}], { type: 'image/png' }) })`;
    await page.evaluate(`navigator.clipboard.write([${item}])`);
    await page.locator('#prompt').focus();
    await page.keyboard.press('Control+V');
    await text('#tray li', /56×56 · .* · 4 tokens/);

    await page.locator('#tray button').first().focus();
    await page.keyboard.press('Delete');
    await page.keyboard.press('Enter');
    expect(await page.locator('#tray li').count()).toBe(0);
    expect(await page.locator('#prompt:focus').count()).toBe(1);
  });

  it('shows the answer while it is made, with its figures, and goes on from there', async () => {
    const { page, ask, text } = bound(await signedIn());
    await page.locator('#pictures').setInputFiles(await pictureFile('blue.png', 64, 64));
    await text('#tray li', /64×64/);
    const hold = engine.hold({ match: 'what is blue', afterTokens: 3 });
    await ask('what is blue');
    await hold.reached();
    await page.locator('.answer p').filter({ hasText: /\w/ }).waitFor();
    expect(await page.locator('#send').isHidden()).toBe(true);
    expect(await page.locator('.shown img').count()).toBe(1);
    hold.release();
    expect(await text('.figures', /tokens out/)).toMatch(
      /\d (ms|s) to first token[\s\S]*\d tokens in[\s\S]*\d m?s queued/,
    );
    await page.locator('#send').waitFor();

    await ask('and then');
    await text('.turn:nth-child(4) .figures', /tokens out/);
    const last = engine.requests.at(-1);
    expect(last?.lastUserText).toContain('and then');
    expect(last?.images).toHaveLength(1);

    await page.locator('#clear').click();
    expect(await page.locator('.turn').count()).toBe(0);
  });

  it('stops the engine when the user stops', async () => {
    const { page, ask, text } = bound(await signedIn());
    const hold = engine.hold({ match: 'count forever', afterTokens: 3 });
    await ask('count forever');
    await hold.reached();
    await page.locator('.answer p').waitFor();
    await page.keyboard.press('Escape');
    await engine.waitFor('aborted', { text: 'count forever' });
    hold.release();
    await text('.figures', /stopped/);
  });

  it('says what is wrong in a sentence, with code, field and request id, and gives the question back', async () => {
    const { page, ask, text } = bound(await signedIn());
    await page.locator('#sampling summary').click();
    await page.locator('#temperature').fill('7');
    await ask('hello');
    const said = await text('#problem', /INVALID_REQUEST/);
    expect(said).toMatch(/^temperature: .*\.\n/);
    expect(said).toMatch(/\ntemperature\n/);
    expect(said).toMatch(/request [0-9a-f-]{36}/);
    expect(await page.locator('#prompt').inputValue()).toBe('hello');
  });

  it('shows an error in the middle of an answer below what had come', async () => {
    const { page, ask, text } = bound(await signedIn());
    const fault = { kind: 'late-error', afterTokens: 3 } as const;
    const hold = { afterTokens: 3, gate: 'break off' };
    engine.script({ match: 'break off', times: 'always', behaviour: { hold, fault } });
    await ask('break off now please');
    await page.locator('.answer p').waitFor();
    engine.release('break off');
    await text('.turn .problem', /(BACKEND_ERROR|STREAM_INTERRUPTED)\s*request [0-9a-f-]{36}/);
    expect(await page.locator('.answer').innerText()).toMatch(/\w/);
  });

  it('refuses a picture that is too large before anything is sent, in the words of the API', async () => {
    const { page, posts, text } = bound(await signedIn());
    await page.locator('#pictures').setInputFiles(await pictureFile('wide.png', 4001, 10));
    const words = 'The image is 4001×10 pixels; a side may have at most 4000.';
    expect(await text('#problem', words)).toMatch(
      /IMAGE_TOO_LARGE[\s\S]*max_image_side_px = 4000 \(found 4001\)/,
    );
    await page.locator('#send').click();
    await text('#problem', words);
    expect(posts).toEqual([]);
    expect(await page.locator('#tray li').count()).toBe(1);
  });

  it('gives lines for a shell that ask the same', async () => {
    const { page, context, text } = bound(await signedIn());
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.locator('#pictures').setInputFiles(await pictureFile("it's.png", 64, 64));
    await text('#tray li', /64×64/);
    await page.locator('#prompt').fill('say "it\'s $5"');
    await page.locator('#copy-curl').click();
    await text('#copy-curl', 'copied');
    const commands = String(await page.evaluate('navigator.clipboard.readText()'));
    const env = { PATH: process.env.PATH, FOVEA_API_KEY: keys.alpha };
    // Not spawnSync: the engine lives in this process.
    const { stdout } = await promisify(execFile)('sh', ['-c', commands], { cwd: folder, env });
    expect(stdout).toMatch(/data: \[DONE\]\s*$/);
    expect(engine.requests.at(-1)?.lastUserText).toContain('say "it\'s $5"');
  });

  it('turns a recording into text with times, and saves it as subtitles', async () => {
    const { page, text } = bound(await signedIn());
    await page.locator('#tab-transcribe').click();
    await page
      .locator('#recording')
      .setInputFiles({ name: 'talk.wav', mimeType: 'audio/wav', buffer: silence(12) });
    await page.locator('#transcribe').click();
    expect(await text('#segments li:nth-child(2)', /\w/)).toMatch(/^0:10\.0 – 0:12\.0\s+\w/);
    const [download] = await Promise.all([page.waitForEvent('download'), page.locator('#save-srt').click()]);
    expect(download.suggestedFilename()).toBe('talk.srt');
    expect(await readFile(await download.path(), 'utf8')).toMatch(/^1\n00:00:00,000 --> 00:00:10,000\n\w/);
  });

  it('records from the microphone', async () => {
    const { page, text } = bound(await signedIn({ permissions: ['microphone'] }));
    await page.locator('#tab-transcribe').click();
    await page.locator('#record').click();
    await text('#record', 'Finish');
    await page.locator('#record').click();
    expect(await text('#recording-name', /recording/)).toMatch(/^recording\.webm · /);
    expect(await page.locator('#transcribe').isEnabled()).toBe(true);
  });

  it('needs no mouse', async () => {
    const visitor = await visit();
    const { page } = visitor;
    await page.keyboard.type(keys.alpha);
    await page.keyboard.press('Enter');
    await page.locator('#prompt:focus').waitFor();
    await page.keyboard.type('with the keyboard');
    await page.keyboard.press('Control+Enter');
    await visitor.text('.figures', /tokens out/);
    await visitor.tabTo('#clear');
    await page.keyboard.press('Space');
    expect(await page.locator('.turn').count()).toBe(0);
    await visitor.tabTo('#tab-chat');
    for (const id of ['#model', '#system', '#sampling summary', '#tab-chat']) await visitor.tabTo(id);
    await page.keyboard.press('ArrowRight');
    await page.locator('#panel-transcribe').waitFor();
    for (const id of ['#recording-choose', '#record', '#language', '#theme', '#model']) {
      await visitor.tabTo(id);
    }
  });

  it('comes with its headers, to GET and HEAD alone, and without a key', async () => {
    const answer = await fetch(`${system.url}/`);
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self';/);
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
    const again = await fetch(`${system.url}/`, {
      headers: { 'if-none-match': answer.headers.get('etag') ?? '' },
    });
    expect(again.status).toBe(304);
    expect((await fetch(`${system.url}/`, { method: 'HEAD' })).status).toBe(200);
    expect((await system.fetch('/', { method: 'POST' })).status).toBe(405);
    expect((await fetch(`${system.url}/playground/chat/none.js`)).status).toBe(404);
  });

  describe.each([
    ['light', { width: 1280, height: 800 }],
    ['dark', { width: 1280, height: 800 }],
    ['light', { width: 360, height: 740 }],
    ['dark', { width: 360, height: 740 }],
  ] as const)('in %s on %j', (colorScheme, viewport) => {
    it('is accessible in every state, and nothing is wider than the screen', async () => {
      const { page, ask, text } = bound(await visit({ colorScheme, viewport, bypassCSP: true }));
      const found: string[] = [];
      const check = async (state: string): Promise<void> => {
        found.push(...(await violations(page)).map((violation) => `${state}: ${violation}`));
        const isTooWide = await page.evaluate('document.documentElement.scrollWidth > innerWidth');
        if (isTooWide === true) found.push(`${state}: wider than the screen`);
      };
      await check('key');
      await page.locator('#key').fill(keys.alpha);
      await page.keyboard.press('Enter');
      await page.locator('#key-dialog').waitFor({ state: 'hidden' });
      await check('empty');
      engine.script({
        match: 'in Markdown',
        behaviour: { text: '## Title\n\n- **one**\n- `two`\n\n```\nx = 1\n```\n\n> three' },
      });
      await page
        .locator('#pictures')
        .setInputFiles([await pictureFile('a.png', 64, 48), await pictureFile('wide.png', 4001, 10)]);
      await text('#problem', 'IMAGE_TOO_LARGE');
      await check('refused');
      await page.locator('#tray button').nth(1).click();
      await ask('in Markdown');
      await text('.figures', /tokens out/);
      await check('answered');
      await page.locator('#tab-transcribe').click();
      await check('transcription');
      await page
        .locator('#recording')
        .setInputFiles({ name: 'a.wav', mimeType: 'audio/wav', buffer: silence(2) });
      await page.locator('#transcribe').click();
      await text('#segments', /\w/);
      await check('transcribed');
      expect(found).toEqual([]);
    });
  });
});

/** So that its methods can be taken apart from it. */
function bound(visit: Visit) {
  const { page, context, posts } = visit;
  return { page, context, posts, ask: visit.ask.bind(visit), text: visit.text.bind(visit) };
}
