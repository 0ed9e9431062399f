export { IMAGE_FORMATS, MAX_IMAGE_SIDE_PX, variables } from './gateway.config.js';
export { openApiDocument } from './openapi/document.js';
export { type RouteSpec, routes } from './openapi/routes.js';
