import { spawnSync } from 'node:child_process';
import { program } from '@fovea/testing';
import {
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  chromium,
  type Page,
} from 'playwright-core';

/** Debian's package of that name; others name it differently. */
export const chromiumProgram = program('chromium');

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  // A microphone that beeps, and nobody to ask.
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

/** One for all tests of a file; it has a profile of its own, which goes with it. */
export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: chromiumPath(), headless: true, args: flags });

const chromiumPath = (): string =>
  spawnSync('sh', ['-c', 'command -v chromium'], { encoding: 'utf8' }).stdout.trim();

/** A tab of a visitor who has never been here, and what a visitor does not see. */
export class Visit {
  readonly complaints: string[] = [];
  readonly outside: string[] = [];
  /** `POST /v1/chat/completions` and the like, in order. */
  readonly posts: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    readonly page: Page,
    url: string,
  ) {
    page.on('pageerror', (error) => this.complaints.push(String(error)));
    page.on('console', (message) => {
      // Chromium's own note on every answer with an error status; the page shows those itself.
      const isNote = message.text().startsWith('Failed to load resource');
      if (message.type() === 'error' && !isNote) this.complaints.push(message.text());
    });
    context.on('request', (request) => {
      const address = request.url();
      if (!address.startsWith(`${url}/`) && !/^(blob|data):/.test(address)) this.outside.push(address);
      if (request.method() === 'POST') this.posts.push(new URL(address).pathname);
    });
  }

  static async start(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<Visit> {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const visit = new Visit(context, page, url);
    await page.goto(`${url}/`);
    return visit;
  }

  /** Types the key, as one does first. */
  async signIn(key: string): Promise<void> {
    await this.page.locator('#key').fill(key);
    await this.page.keyboard.press('Enter');
    await this.page.locator('#key-dialog').waitFor({ state: 'hidden' });
  }

  async ask(prompt: string): Promise<void> {
    await this.page.locator('#prompt').fill(prompt);
    await this.page.keyboard.press('Control+Enter');
  }

  /** The text of an element once it has one that fits. */
  async text(selector: string, pattern: RegExp | string): Promise<string> {
    const found = this.page.locator(selector).filter({ hasText: pattern });
    await found.first().waitFor();
    return (await found.first().innerText()).trim();
  }

  /** Presses Tab until the element has the focus; throws when it cannot be reached. */
  async tabTo(selector: string): Promise<void> {
    for (let presses = 0; presses < 40; presses += 1) {
      await this.page.keyboard.press('Tab');
      if ((await this.page.locator(`${selector}:focus`).count()) > 0) return;
    }
    throw new Error(`${selector} cannot be reached with the keyboard`);
  }
}
