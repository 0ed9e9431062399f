/** `form-data; name="file"; filename="a.png"`, taken apart. */
export interface HeaderValue {
  /** What stands in front of the first semicolon, in lower case. */
  readonly value: string;
  /** By name in lower case; the first of two equal names counts. */
  readonly parameters: ReadonlyMap<string, string>;
}

const parameter = /;\s*([!#$%&'*+.^_`|~\w-]+)\s*=\s*(?:"((?:[^"\\]|\\[\s\S])*)"|([^\s;"]*))\s*/gy;

/**
 * Parses a header of the form `value; name=token; name="quoted"`. Undefined when it has another form.
 *
 * In a quoted text only `\"` and `\\` are escapes: other backslashes are meant literally by the clients that send
 * them (paths of Windows). Browsers and `FormData` write a quote as `%22`.
 */
export function parseHeaderValue(text: string): HeaderValue | undefined {
  const end = text.indexOf(';');
  const value = (end < 0 ? text : text.slice(0, end)).trim().toLowerCase();
  if (value === '') return undefined;
  const parameters = new Map<string, string>();
  parameter.lastIndex = end < 0 ? text.length : end;
  while (parameter.lastIndex < text.length) {
    const at = parameter.lastIndex;
    const found = parameter.exec(text);
    // Some clients end the header with a semicolon.
    if (found === null) return /^;\s*$/.test(text.slice(at)) ? { value, parameters } : undefined;
    const [, name = '', quoted, token = ''] = found;
    const content = quoted?.replace(/\\(["\\])/g, '$1').replaceAll('%22', '"') ?? token;
    if (!parameters.has(name.toLowerCase())) parameters.set(name.toLowerCase(), content);
  }
  return { value, parameters };
}
