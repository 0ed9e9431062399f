export { variables } from './worker.config.js';
