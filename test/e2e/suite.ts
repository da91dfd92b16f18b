/** Runs the scenarios one after the other in one cluster. `run.ts` starts this file. */
import { after, afterEach, before, describe } from 'node:test';
import { GROUPS } from '../parts/groups.ts';
import { requireParts } from '../parts/find.ts';
import { PARTS } from '../parts/parts.ts';
import { changes } from './changes.scenario.ts';
import { conditions } from './conditions.scenario.ts';
import { privateImages } from './private.scenario.ts';
import { diagnosis } from './diagnosis.ts';
import { pull } from './pull.scenario.ts';
import type { Scenario } from './read-arguments.ts';
import { goExtension } from './go-extension.scenario.ts';
import { guide } from './guide.scenario.ts';
import { NAMESPACE } from './release.ts';
import { takenPort } from './taken-port.scenario.ts';
import { thief } from './thief.scenario.ts';
import { startSetting, type DeclareScenario, type Setting } from './setting.ts';
import { taskOf } from './run-suite.ts';
import type { SuiteTask } from './suite-task.ts';
import { trouble } from './trouble.scenario.ts';

const DECLARE: Readonly<Record<Scenario, DeclareScenario>> = {
  pull,
  private: privateImages,
  conditions,
  trouble,
  thief,
  'taken-port': takenPort,
  changes,
  'go-extension': goExtension,
  guide,
};

const task = taskOf() as SuiteTask;
const version = PARTS[task.containerd].version.replace('v', '');

describe(`Larder in a cluster with containerd ${version}`, requireParts(GROUPS.e2e), () => {
  let setting: Setting;
  before(async () => {
    setting = await startSetting(task);
  });
  after(() => setting[Symbol.asyncDispose]());
  afterEach(async (context) => {
    if ('passed' in context && !context.passed)
      console.log(await diagnosis(setting.cluster.kubectl, NAMESPACE));
  });
  for (const scenario of task.scenarios) DECLARE[scenario](() => setting);
});
