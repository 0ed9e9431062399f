import { parentPort, workerData } from 'node:worker_threads';
import { FoveaError } from '@fovea/errors';
import { serveCalls } from '../../../engine/threads/serve-calls.js';
import type { OcrStep, OcrStepAnswer, OcrThreadSettings } from './ocr-protocol.js';
import { type Page, TextReader } from './text-reader.js';

if (parentPort === null) throw new Error('This file is started as a worker thread.');
const settings: OcrThreadSettings = workerData;

await serveCalls<OcrStep, OcrStepAnswer, undefined>(parentPort, async () => {
  const reader = await TextReader.open(settings);
  const pages = new Map<number, Page>();

  const pageOf = (picture: number): Page => {
    const page = pages.get(picture);
    if (page === undefined) throw new FoveaError('INTERNAL', { detail: `Picture ${picture} is not open.` });
    return page;
  };

  const answer = async (step: OcrStep, isCancelled: () => boolean): Promise<OcrStepAnswer> => {
    if (step.step === 'forget') pages.delete(step.picture);
    if (step.step === 'find')
      pages.set(step.picture, await reader.findRows(step.file, step.path, isCancelled));
    const rows = step.step === 'forget' ? [] : pageOf(step.picture).rows;
    if (step.step !== 'read') return { rows: rows.length, text: '' };
    const text = await reader.readRow(pageOf(step.picture).image, rows[step.row] ?? [], isCancelled);
    return { rows: rows.length, text };
  };

  return { facts: undefined, answer, transfer: () => [], close: () => reader.close() };
});
