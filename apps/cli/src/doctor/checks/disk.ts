import type { FolderReport } from '@fovea/blob-store';
import { parseBlobStoreUrl } from '@fovea/blob-store';
import { codeOf } from '../../failure.js';
import { byteText } from '../byte-text.js';
import type { Examination } from '../examination.js';
import { type Finding, Findings } from '../finding.js';

const LEAST_FREE_BYTES = 1024 ** 3;
const LEAST_FREE_SHARE = 0.05;
/** As the gateway computes it without BLOB_MAX_BYTES. */
const QUOTA_SHARE = 0.2;
const NEARLY = 0.9;

function judgeSpace(report: FolderReport, findings: Findings): void {
  const { freeBytes, diskBytes } = report;
  const text = `${byteText(freeBytes)} of ${byteText(diskBytes)} are free on its disk.`;
  const isLow = freeBytes < LEAST_FREE_BYTES || freeBytes < diskBytes * LEAST_FREE_SHARE;
  if (isLow) findings.warn(text, 'Free some space, or move the folder (BLOB_STORE_URL).');
  else findings.ok(text);
}

function judgeQuota(
  { bytes, blobs, freeBytes }: FolderReport,
  maxBytes: number | undefined,
  findings: Findings,
): void {
  const quota = maxBytes ?? (freeBytes + bytes) * QUOTA_SHARE;
  const text = `${blobs} blobs take ${byteText(bytes)} of the ${byteText(quota)} they may.`;
  if (bytes > quota * NEARLY) findings.warn(text, 'Raise BLOB_MAX_BYTES or lower BLOB_LINGER_S.');
  else findings.ok(text);
}

function judgeOverdue(
  { overdueBlobs, overdueBytes, overdueReferences }: FolderReport,
  findings: Findings,
): void {
  if (overdueBlobs + overdueReferences === 0) {
    findings.ok('Nothing in it is overdue.');
    return;
  }
  findings.warn(
    `${overdueBlobs} blobs (${byteText(overdueBytes)}) and ${overdueReferences} references are overdue: nobody sweeps it.`,
    'Start a gateway with this BLOB_STORE_URL: it sweeps every minute.',
  );
}

async function checkFolder(
  root: string,
  { deployment, terminal }: Examination,
  findings: Findings,
): Promise<void> {
  const timeoutS = await deployment.number('REQUEST_TIMEOUT_S', 300);
  const limits = { lingerS: await deployment.number('BLOB_LINGER_S', 600), maxReferenceAgeS: 2 * timeoutS };
  const report = await terminal.ports.inspectBlobFolder(root, limits);
  judgeSpace(report, findings);
  const maxBytes = await deployment.number('BLOB_MAX_BYTES', 0);
  judgeQuota(report, maxBytes > 0 ? maxBytes : undefined, findings);
  judgeOverdue(report, findings);
}

/** The blob store as this host and this user see it. */
export async function checkDisk(examination: Examination): Promise<Finding[]> {
  const findings = new Findings('blobs');
  const { blobStoreUrl, terminal } = examination;
  if (blobStoreUrl === undefined) {
    findings.warn(
      'No blob store is named, so none was looked at.',
      'Set BLOB_STORE_URL as gateway and workers have it.',
    );
    return findings.list;
  }
  try {
    const location = parseBlobStoreUrl(blobStoreUrl);
    await terminal.ports.checkBlobStore(blobStoreUrl, terminal.env);
    findings.ok(
      location.kind === 'file'
        ? `${location.root} can be read and written.`
        : `Bucket ${location.bucket} can be used.`,
    );
    if (location.kind === 'file') await checkFolder(location.root, examination, findings);
  } catch (error) {
    const reason = codeOf(error) || (error instanceof Error ? error.message : 'unknown reason');
    findings.fail(
      `The blob store cannot be used from here: ${reason}.`,
      'Check BLOB_STORE_URL, whether the folder is there or mounted, and who owns it.',
    );
  }
  return findings.list;
}
