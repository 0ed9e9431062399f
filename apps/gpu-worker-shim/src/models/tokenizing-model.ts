import type { ChatModel, ChatModelRequest } from './chat-model.js';

/** The part of a chat request that becomes its prompt. */
export type ChatPromptSource = Pick<
  ChatModelRequest,
  | 'messages'
  | 'imageOptions'
  | 'addGenerationPrompt'
  | 'continueFinalMessage'
  | 'addSpecialTokens'
  | 'templateVariables'
>;

/** A chat model that also tells what prompt a chat would have. */
export interface TokenizingModel extends ChatModel {
  /**
   * Token ids of the prompt, those of images included, whether it fits the context or not. Of images only the headers are
   * read: what is damaged behind them is found when the chat is answered.
   *
   * @throws FoveaError `INVALID_REQUEST` for more text or images than are counted or messages that the template refuses,
   *   `INVALID_IMAGE`, `IMAGE_TOO_LARGE` and `QUEUE_FULL`.
   */
  tokenizeChat(chat: ChatPromptSource, signal: AbortSignal): Promise<Int32Array<ArrayBuffer>>;
}
