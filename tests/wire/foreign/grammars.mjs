// Reads JSON schemas by name from stdin and writes the grammars that node-llama-cpp makes of them to stdout.

import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

// The package itself loads a compiled program when it is imported. This part of it does not need one.
const file = 'node_modules/node-llama-cpp/dist/utils/gbnfJson/getGbnfGrammarForGbnfJsonSchema.js';
const { getGbnfGrammarForGbnfJsonSchema } = await import(pathToFileURL(`${import.meta.dirname}/${file}`));

const schemas = JSON.parse(await text(process.stdin));
const grammars = {};
for (const [name, schema] of Object.entries(schemas)) grammars[name] = getGbnfGrammarForGbnfJsonSchema(schema);
process.stdout.write(JSON.stringify(grammars));
