/** A terminal's Ctrl-C reaches the launcher twice under npm: from the terminal, and passed on by npm. */
const samePressMs = 750;

/**
 * The wishes of whoever started the launcher: stop, or stop at once.
 * @typedef {object} StopSignals
 * @property {AbortSignal} stop
 * @property {AbortSignal} force A second signal came, or the process that started us is gone.
 * @property {() => void} dispose
 */

/** @returns {StopSignals & { requestStop(): void }} */
export function listenForStopSignals() {
  const stop = new AbortController();
  const force = new AbortController();
  let firstAt = 0;
  const requestStop = () => {
    if (!stop.signal.aborted) {
      firstAt = performance.now();
      stop.abort(new StopRequested());
    } else if (performance.now() - firstAt > samePressMs) force.abort(new StopRequested());
  };
  const signals = /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP']);
  for (const signal of signals) process.on(signal, requestStop);
  const dispose = () => {
    for (const signal of signals) process.off(signal, requestStop);
  };
  return { stop: stop.signal, force: force.signal, requestStop, dispose };
}

/** Somebody asked the launcher to stop; no failure. */
export class StopRequested extends Error {
  /** @override */
  name = 'StopRequested';
  /** @override */
  message = 'a stop was requested';
}

/**
 * Calls back once when the process that started this one is gone: npm, killed with SIGKILL, passes nothing on.
 * @param {() => void} onGone
 * @returns {() => void} Ends the watch.
 */
export function watchParent(onGone) {
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    onGone();
  }, 500);
  timer.unref();
  return () => clearInterval(timer);
}
