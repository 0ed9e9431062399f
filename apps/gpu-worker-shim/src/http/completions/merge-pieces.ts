/**
 * What several sources give, in the order in which it comes; at most `width` of them run at a time, the next one begins
 * when one has ended. The first failure ends all. Every source is closed in the end; one that waits for something must
 * be told by other means that nobody listens any more, since closing it waits, too.
 */
export async function* mergePieces<T>(
  sources: readonly (() => AsyncGenerator<T, void>)[],
  width: number,
): AsyncGenerator<T, void> {
  const waiting = sources.values();
  const running = new Map<
    AsyncGenerator<T, void>,
    Promise<[AsyncGenerator<T, void>, IteratorResult<T, void>]>
  >();
  const pull = (source: AsyncGenerator<T, void>) => {
    running.set(
      source,
      source.next().then((result) => [source, result]),
    );
  };
  const begin = () => {
    const next = waiting.next();
    if (next.done !== true) pull(next.value());
  };
  for (let place = 0; place < width; place += 1) begin();
  try {
    while (running.size > 0) {
      const [source, result] = await Promise.race(running.values());
      if (result.done === true) {
        running.delete(source);
        begin();
        continue;
      }
      pull(source);
      yield result.value;
    }
  } finally {
    for (const [source, pending] of running) {
      pending.catch(() => undefined);
      source.return().catch(() => undefined);
    }
  }
}
