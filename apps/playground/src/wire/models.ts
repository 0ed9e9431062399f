import { call } from './call.js';

/** A model as the picker shows it. */
export interface Model {
  readonly name: string;
  readonly description: string;
  readonly isAvailable: boolean;
  readonly takesImages: boolean;
  readonly takesTools: boolean;
  readonly chats: boolean;
  readonly transcribes: boolean;
  readonly maxContextTokens: number;
}

/** The bounds that are checked before anything is sent. */
export interface Limits {
  readonly maxBodyBytes: number;
  readonly maxImageSidePx: number;
}

interface SettingsWire {
  readonly name: string;
  readonly status: string;
  readonly worker_type: string;
  readonly description: string;
  readonly multimodal: boolean;
  readonly max_context_size: number;
  readonly chat: boolean;
}

interface CardsWire {
  readonly data: readonly { readonly id: string; readonly tools?: boolean }[];
}

interface LimitsWire {
  readonly max_body_bytes: number;
  readonly max_image_side_px: number;
}

const get = async <T>(path: string, key: string): Promise<T> =>
  JSON.parse((await call({ path, key })).text) as T;

/** What there is to ask, and within what bounds. Throws `ProblemError`, `UNAUTHORIZED` for a wrong key. */
export async function readModels(key: string): Promise<{ models: Model[]; limits: Limits }> {
  const [settings, cards, limits] = await Promise.all([
    get<SettingsWire[]>('/v1/model-settings', key),
    get<CardsWire>('/v1/models', key),
    get<LimitsWire>('/v1/limits', key),
  ]);
  const withTools = new Set(cards.data.filter(({ tools }) => tools === true).map(({ id }) => id));
  return {
    models: settings
      .map((model) => toModel(model, withTools))
      .filter((model) => model.chats || model.transcribes),
    limits: { maxBodyBytes: limits.max_body_bytes, maxImageSidePx: limits.max_image_side_px },
  };
}

const toModel = (wire: SettingsWire, withTools: ReadonlySet<string>): Model => ({
  name: wire.name,
  description: wire.description,
  isAvailable: wire.status === 'available',
  takesImages: wire.multimodal,
  takesTools: withTools.has(wire.name),
  chats: wire.chat,
  transcribes: wire.worker_type === 'transcription',
  maxContextTokens: wire.max_context_size,
});

/** Tokens of a picture of so many pixels for that model; undefined where nothing is known of its image processor. */
export async function readImageTokens(
  model: string,
  { width, height }: { readonly width: number; readonly height: number },
  key: string,
): Promise<number | undefined> {
  const query = new URLSearchParams({ model, width: `${width}`, height: `${height}` });
  const { tokens } = await get<{ tokens: number | null }>(`/v1/image-tokens?${query}`, key);
  return tokens ?? undefined;
}
