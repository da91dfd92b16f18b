/** Runs the life of a shoot in one landscape. `run.ts` starts this file. */
import { after, afterEach, before, beforeEach, describe } from 'node:test';
import { requireParts } from '../../parts/find.ts';
import { GROUPS } from '../../parts/groups.ts';
import { diagnosis } from '../diagnosis.ts';
import { taskOf } from '../run-suite.ts';
import { creation } from './creation.scenario.ts';
import { startLandscape, type DeclareScenario, type Stage } from './landscape.ts';
import { end } from './end.scenario.ts';
import { nodes } from './nodes.scenario.ts';
import { owner } from './owner.scenario.ts';
import { createProject } from './project.ts';
import type { ScenarioName } from './read-arguments.ts';
import { rotation } from './rotation.scenario.ts';
import { sleep } from './sleep.scenario.ts';
import type { SuiteTask } from './suite-task.ts';
import { upkeep } from './upkeep.scenario.ts';
import { createViews, LARDER } from './views.ts';

/** Each goes on with the shoot that the one before has left. */
const DECLARE: Readonly<Record<ScenarioName, DeclareScenario>> = {
  creation,
  owner,
  nodes,
  upkeep,
  rotation,
  sleep,
  end,
};

const task = taskOf() as SuiteTask;

describe(
  'a shoot that is configured from inside, in a landscape',
  requireParts([...GROUPS.e2e, 'helm']),
  () => {
    let stage: Stage | undefined;
    const the = (): Stage => {
      if (stage === undefined) throw new Error('the landscape has not started');
      return stage;
    };
    before(async () => {
      const landscape = await startLandscape({ containerd: 'containerd17', ...task });
      stage = { ...landscape, project: await createProject(landscape), views: createViews(landscape) };
    });
    after(() => stage?.[Symbol.asyncDispose]());
    // Each test stands on those before it.
    let failed: string | undefined;
    beforeEach(() => {
      if (failed !== undefined) throw new Error(`"${failed}" has failed before`);
    });
    afterEach(async (context) => {
      if (!('passed' in context) || context.passed || failed !== undefined) return;
      failed = context.name;
      console.log(await diagnosis(the().cluster.kubectl, LARDER).catch(String));
    });
    for (const scenario of task.scenarios) DECLARE[scenario](the);
  },
);
