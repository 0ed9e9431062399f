import { freePort } from '@fovea/testing';
import { Part } from './part.js';

/** A fake-vllm in a process of its own, driven from outside. */
export class EngineProcess {
  private constructor(
    readonly url: string,
    private readonly adminUrl: string,
    private readonly part: Part,
  ) {}

  static async start(name: string, model: string): Promise<EngineProcess> {
    const [port, adminPort] = [await freePort(), await freePort()];
    const url = `http://127.0.0.1:${port}`;
    const args = ['--port', `${port}`, '--admin-port', `${adminPort}`, '--model', model];
    const part = await Part.start(name, 'tools/fake-vllm/dist/main.js', {
      args,
      env: {},
      readyUrl: `${url}/health`,
    });
    return new EngineProcess(url, `http://127.0.0.1:${adminPort}`, part);
  }

  /** One of the admin routes: `crash`, `hang`, `script` … */
  async tell(command: string, body: unknown = {}): Promise<void> {
    const answer = await fetch(`${this.adminUrl}/_fake/${command}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${command}: ${await answer.text()}`);
  }

  /** Holds each request whose text has `word` before its first token, at a gate of that name. */
  hold(word: string): Promise<void> {
    const behaviour = { hold: { afterTokens: 0, gate: word } };
    return this.tell('script', { match: word, times: 'always', behaviour });
  }

  /** Resolves when the `count`th such event has happened. */
  async waitFor(event: string, options: Readonly<Record<string, string>> = {}): Promise<void> {
    const query = new URLSearchParams({ event, timeoutMs: '60000', ...options });
    const answer = await fetch(`${this.adminUrl}/_fake/wait?${query}`);
    if (!answer.ok) throw new Error(`${event}: ${await answer.text()}`);
  }

  async counters(): Promise<Readonly<Record<string, number>>> {
    const answer = await fetch(`${this.adminUrl}/_fake/counters`);
    return (await answer.json()) as Record<string, number>;
  }

  stop(): Promise<void> {
    return this.part.end('SIGKILL');
  }
}
