import { createHash } from 'node:crypto';
import type { ApiKeyWire, RequestRecordWire, UserWire } from '@fovea/schemas/http';
import type { StoredKey } from '../auth/api-key-store.js';
import type { Principal } from '../auth/principal.js';
import type { JournalEntry } from '../journal/request-journal.js';

/** A number of 48 bits that every gateway derives from a tenant's name: whole in JSON, and rarely two tenants'. */
const userId = (tenant: string): number => createHash('sha256').update(tenant).digest().readUIntBE(0, 6);

/** A tenant as a Pharia user. The domain is one that RFC 2606 keeps from ever taking mail. */
export const toUser = ({ tenant, isAdmin }: Principal): UserWire => ({
  id: userId(tenant),
  email: `${encodeURIComponent(tenant)}@tenant.invalid`,
  role: isAdmin ? 'Admin' : 'User',
  credits_remaining: 0,
  invoice_allowed: true,
  out_of_credits_threshold: 0,
  terms_of_service_version: '',
});

export const toApiKey = ({ id, description }: StoredKey): ApiKeyWire => ({ description, token_id: id });

export const toRequestRecord = (entry: JournalEntry): RequestRecordWire => ({
  create_timestamp: new Date(entry.arrivedAtMs).toISOString(),
  model_name: entry.model,
  request_type: entry.route,
  token_count_prompt: entry.promptTokens,
  image_count_prompt: entry.images,
  token_count_completion: entry.completionTokens,
  duration_millis: entry.durationMs,
  credits: 0,
});
