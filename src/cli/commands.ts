import type { CommandDefinition, CommandIo } from './command.ts';
import { admissionCommand } from './admission.ts';
import { convertCommand } from './convert.ts';
import { extensionCommand } from './extension.ts';
import { gcCommand } from './gc.ts';
import { nodeAgentCommand } from './node-agent.ts';
import { operatorCommand } from './operator.ts';
import { serveCommand } from './serve.ts';
import { validateCommand } from './validate.ts';
import { verifyCommand } from './verify.ts';

/** Every command of `larder`, in the order of its help. */
export function commandsOf(io: CommandIo): readonly CommandDefinition[] {
  return [
    serveCommand(io),
    operatorCommand(io),
    nodeAgentCommand(io),
    admissionCommand(io),
    extensionCommand(io),
    validateCommand(io),
    convertCommand(io),
    verifyCommand(io),
    gcCommand(io),
  ];
}
