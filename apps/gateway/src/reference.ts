export { IMAGE_FORMATS, MAX_IMAGE_SIDE_PX, variables } from './gateway.config.js';
export { openApiDocument } from './openapi/document.js';
export { type RouteSpec, routes } from './openapi/routes.js';
export { ACCEPTED_CODINGS, MAX_CODINGS } from './upload/content-encoding.js';
export { MAX_DECOMPRESSION_RATIO } from './upload/decompress.js';
