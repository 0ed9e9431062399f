export { ConfigError, type ConfigProblem } from './config-error.js';
export { type LikelyTypo, likelyTypos } from './likely-typos.js';
export { type AddRule, type Environment, type Refine, readVariables } from './read-variables.js';
export {
  durationS,
  flag,
  httpUrls,
  integer,
  list,
  number,
  oneOf,
  port,
  type Range,
  redisUrl,
  type TextOptions,
  text,
} from './values.js';
export {
  type ConfigOf,
  type Variable,
  type VariableRow,
  type Variables,
  variable,
  variableRows,
} from './variable.js';
