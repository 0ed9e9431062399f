export { IMAGE_FORMATS, variables } from './gateway.config.js';
export { type FixedLimit, fixedLimits } from './limits/fixed-limits.js';
export { openApiDocument } from './openapi/document.js';
export { routes } from './openapi/routes/all-routes.js';
export type { RouteSpec } from './openapi/routes/route-spec.js';
