export { createOpenAiHttpBackend, type OpenAiHttpBackendOptions } from './openai-http/openai-http-backend.js';
