export { IMAGE_FORMATS, variables } from './gateway.config.js';
export { type FixedLimit, fixedLimits } from './limits/fixed-limits.js';
export { openApiDocument } from './openapi/document.js';
export { type RouteSpec, routes } from './openapi/routes.js';
