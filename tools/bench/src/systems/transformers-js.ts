import { transformersJs, transformersJsUrl } from '@fovea/testing/transformers-js';
import { z } from 'zod';
import type { Chat } from '../client/chats.js';
import { Child, childScript } from '../processes/child.js';
import { type Bench, ScenarioSkipped } from '../scenario.js';

const reportSchema = z.object({ tookMs: z.number(), tokenIds: z.array(z.array(z.number())) });

/** transformers.js with one model, in a process of its own. */
export class TransformersJs {
  private constructor(private readonly child: Child) {}

  /** Throws `ScenarioSkipped` where it is not installed: it is something to compare with, never a dependency. */
  static async start(folder: string, bench: Bench): Promise<TransformersJs> {
    const missing = transformersJs.missing();
    if (missing !== undefined) throw new ScenarioSkipped(missing);
    const child = await Child.start(
      {
        name: 'transformers.js',
        script: childScript('transformers-js-runner'),
        args: [transformersJsUrl, folder],
        hasChannel: true,
      },
      bench,
    );
    const runner = new TransformersJs(child);
    // Loads the model, which is not what is measured.
    await runner.askAll([{ text: 'Hello', maxTokens: 2 }]);
    return runner;
  }

  /** Asks one question after the other. */
  async askAll(chats: readonly Chat[]): Promise<z.infer<typeof reportSchema>> {
    return reportSchema.parse(await this.child.ask(JSON.stringify(chats)));
  }
}
