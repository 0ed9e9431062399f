/** What both kinds of attention work on: results of the projections, `[batch, tokens, heads × headSize]`. */
export interface Projections {
  readonly query: string;
  readonly key: string;
  readonly value: string;
}

/** One way of writing attention into a graph. It is made once per graph, then asked for every layer. */
export interface Attention {
  /** Adds the layer's cache to the graph's outputs `present.{layer}.*`; returns `[batch, tokens, heads × headSize]`. */
  layer(at: number, projections: Projections): string;
}
