/** What the composition root provides under no class of its own. */
export const LOGGER = Symbol('Logger');
export const TELEMETRY = Symbol('GatewayTelemetry');
