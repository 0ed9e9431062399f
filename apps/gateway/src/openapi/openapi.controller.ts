import { Controller, Get, Header } from '@nestjs/common';
import { stringify } from 'yaml';
import { openApiDocument } from './document.js';

const document = openApiDocument();
const asJson = JSON.stringify(document, undefined, 2);
const asYaml = stringify(document, { aliasDuplicateObjects: false });

@Controller()
export class OpenApiController {
  @Get('openapi.json')
  @Header('content-type', 'application/json; charset=utf-8')
  json(): string {
    return asJson;
  }

  @Get('openapi.yaml')
  @Header('content-type', 'text/yaml; charset=utf-8')
  yaml(): string {
    return asYaml;
  }
}
