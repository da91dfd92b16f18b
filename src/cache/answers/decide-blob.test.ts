/**
 * The decision over every combination of its facts, against a table that is written from decision 0005 ("Who may have what") and
 * docs/laws.md, and against the laws themselves.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Presence } from '../../store/types.ts';
import { decideBlob, type BlobFacts, type BlobStep, type FillFacts } from './decide-blob.ts';

/** The facts side by side; without a fill, the facts of the fill are all false. */
interface Combination {
  readonly presence: Presence;
  readonly isHead: boolean;
  readonly hasBegun: boolean;
  readonly isConfirmed: boolean;
  readonly isAuthorized: boolean;
  /** A grant, a public flag, or mode `Shared`. */
  readonly hasLiveProof: boolean;
  readonly fill: FillFacts['state'] | 'none';
  readonly refusesCaller: boolean;
  readonly speaksForCaller: boolean;
  readonly asksInRepository: boolean;
  readonly isInRepository: boolean;
  readonly knowsSize: boolean;
}

const PRESENCES = ['linked', 'unlinked', 'foreign', 'absent'] as const;
const FILLS = ['opening', 'open', 'joined', 'unstored', 'failed'] as const;

const NOTHING: Combination = {
  presence: 'absent',
  isHead: false,
  hasBegun: false,
  isConfirmed: false,
  isAuthorized: false,
  hasLiveProof: false,
  fill: 'none',
  refusesCaller: false,
  speaksForCaller: false,
  asksInRepository: false,
  isInRepository: false,
  knowsSize: false,
};

const combinations = [...allCombinations()];

/** A row of the table: holds for each combination that has one of the values for every fact that the row names. */
type Row = { readonly [Fact in keyof Combination]?: Combination[Fact] | readonly Combination[Fact][] };

const STORED: Row = { presence: ['linked', 'unlinked'] };
const HEAD: Row = { presence: ['foreign', 'absent'], isHead: true };
const GET: Row = { presence: ['foreign', 'absent'], isHead: false };
/** The request takes no part yet. An opening fill that was refused to the caller stays refused. */
const RUNNING: readonly Row[] = [
  { ...GET, fill: 'opening', refusesCaller: false },
  { ...GET, fill: 'open' },
];

/** Rows of different steps never hold for the same combination, and one holds for each. */
const TABLE: Readonly<Record<BlobStep, readonly Row[]>> = {
  // "Content in the store is served when it is linked and the proof lives."
  serve: [
    { ...STORED, isConfirmed: true },
    { presence: 'linked', hasLiveProof: true },
  ],
  // "Otherwise the upstream is asked with the caller's own header: a HEAD where the bytes are here"; an outage is bridged.
  authorizeAndServe: [{ presence: 'linked', isConfirmed: false, hasLiveProof: false }],
  // A 2xx to a HEAD links what this upstream delivered through another repository. No older proof replaces it (T1).
  confirmAndServe: [{ presence: 'unlinked', isConfirmed: false }],

  // The size is content, too: it needs a proof, and a fill that has the blob from this repository (T3).
  sizeFromFill: [{ ...HEAD, fill: FILLS, hasLiveProof: true, isInRepository: true, knowsSize: true }],
  sizeFromUpstream: [
    { ...HEAD, fill: 'none' },
    { ...HEAD, hasLiveProof: false },
    { ...HEAD, isInRepository: false },
    { ...HEAD, knowsSize: false },
  ],

  // "... the GET of a fill where they are not."
  start: [{ ...GET, fill: 'none' }],
  // "Who joins has proven access first"; or the fill asks in the name of this caller already.
  join: RUNNING.flatMap((row) => [
    { ...row, isConfirmed: true },
    { ...row, isAuthorized: true },
    { ...row, speaksForCaller: true },
    { ...row, hasLiveProof: true, asksInRepository: true },
  ]),
  // Access to the repository is no access to a blob that the upstream has confirmed for another repository alone.
  confirm: [
    ...RUNNING.flatMap((row) => {
      const hasNothing = { ...row, isConfirmed: false, isAuthorized: false, speaksForCaller: false };
      return [
        { ...hasNothing, hasLiveProof: false },
        { ...hasNothing, asksInRepository: false },
      ];
    }),
    {
      ...GET,
      fill: 'joined',
      refusesCaller: false,
      isConfirmed: false,
      isAuthorized: false,
      isInRepository: false,
    },
  ],
  read: [
    { ...GET, fill: 'joined', refusesCaller: false, isConfirmed: true },
    { ...GET, fill: 'joined', refusesCaller: false, isAuthorized: true },
    { ...GET, fill: 'joined', refusesCaller: false, isInRepository: true },
  ],

  // "A blob that is larger than the limit is served and not stored." The answer to the fill is for callers with access to it.
  takeOver: [
    { ...GET, fill: 'unstored', refusesCaller: false, hasBegun: false, isConfirmed: true },
    { ...GET, fill: 'unstored', refusesCaller: false, hasBegun: false, isAuthorized: true },
    { ...GET, fill: 'unstored', refusesCaller: false, hasBegun: false, isInRepository: true },
  ],
  bypass: [
    {
      ...GET,
      fill: 'unstored',
      refusesCaller: false,
      hasBegun: false,
      isConfirmed: false,
      isAuthorized: false,
      isInRepository: false,
    },
  ],
  // "A caller who is refused is refused, whoever else reads."
  refuse: [{ ...GET, fill: ['opening', 'joined', 'unstored', 'failed'], refusesCaller: true }],
  fail: [
    { ...GET, fill: 'failed', refusesCaller: false },
    { ...GET, fill: 'unstored', refusesCaller: false, hasBegun: true },
  ],
};

test('each combination of facts leads to the step of the table', () => {
  const steps = Object.keys(TABLE) as BlobStep[];
  for (const combination of combinations) {
    const expected = steps.filter((step) => TABLE[step].some((row) => holds(row, combination)));
    const step = decideBlob(factsOf(combination));
    if (expected.length !== 1 || expected[0] !== step)
      assert.fail(`${step} instead of ${expected.join()}: ${JSON.stringify(combination)}`);
  }
  assert.equal(combinations.length, 4 * 2 ** 5 * (1 + 5 * 2 ** 5));
});

test('each step is decided somewhere', () => {
  const decided = new Set(combinations.map((combination) => decideBlob(factsOf(combination))));
  assert.deepEqual([...decided].toSorted(), Object.keys(TABLE).toSorted());
});

describe('right caller', () => {
  const ASKS: readonly BlobStep[] = [
    'authorizeAndServe',
    'confirmAndServe',
    'sizeFromUpstream',
    'start',
    'confirm',
    'bypass',
  ];

  test('a caller with nothing to show gets one question to the upstream, or its refusal', () => {
    for (const combination of where({ isConfirmed: false, isAuthorized: false, hasLiveProof: false })) {
      const isOutside = ['none', 'opening', 'open'].includes(combination.fill);
      if (!isOutside || combination.speaksForCaller) continue;
      expectOneOf(combination, [...ASKS, 'refuse']);
    }
  });

  test('without a fill, that question is the same one round trip whether the blob is stored or not', () => {
    const nothing = { isConfirmed: false, isAuthorized: false, hasLiveProof: false, fill: 'none' } as const;
    for (const combination of where(nothing)) expectOneOf(combination, ASKS);
  });

  test('stored bytes go out by a proof, a public flag or the word of the upstream, never without', () => {
    for (const combination of deciding('serve'))
      assert.ok(combination.isConfirmed || combination.hasLiveProof, JSON.stringify(combination));
  });

  test('T1: a proof for the repository alone gives nothing that is not linked to it', () => {
    for (const combination of where({ presence: ['unlinked', 'foreign', 'absent'], isConfirmed: false }))
      expectNoneOf(combination, ['serve', 'authorizeAndServe']);
  });

  test('T2: bytes of another upstream are never served, whatever was proven', () => {
    for (const combination of where({ presence: 'foreign' }))
      expectNoneOf(combination, ['serve', 'authorizeAndServe', 'confirmAndServe']);
  });

  test('T3: a HEAD is answered from a fill only where the upstream has confirmed the blob in this repository', () => {
    for (const combination of deciding('sizeFromFill'))
      assert.ok(combination.isInRepository && combination.hasLiveProof, JSON.stringify(combination));
  });

  test('bytes of a fill go to callers with access to the blob, not to the repository alone', () => {
    for (const combination of deciding('read', 'takeOver')) {
      const { isConfirmed, isAuthorized, isInRepository } = combination;
      assert.ok(isConfirmed || isAuthorized || isInRepository, JSON.stringify(combination));
    }
  });

  test('a fill that was refused to the caller gives the caller nothing', () => {
    const waited = { refusesCaller: true, fill: ['joined', 'unstored', 'failed'] } as const;
    for (const combination of where({ ...GET, ...waited })) expectOneOf(combination, ['refuse']);
  });

  test('an older proof is only ever used for linked content', () => {
    for (const combination of deciding('authorizeAndServe')) assert.equal(combination.presence, 'linked');
  });
});

describe('one body', () => {
  test('a HEAD moves no body', () => {
    for (const combination of where({ isHead: true }))
      expectNoneOf(combination, ['start', 'join', 'read', 'takeOver', 'bypass']);
  });

  test('no fill starts beside another one, or beside stored bytes that may be linked', () => {
    for (const { fill, presence } of deciding('start')) {
      assert.equal(fill, 'none');
      assert.ok(presence === 'foreign' || presence === 'absent');
    }
  });

  test('a body passes by the store only where the store has no room for it', () => {
    for (const { fill } of deciding('takeOver', 'bypass')) assert.equal(fill, 'unstored');
  });
});

test('an answer that has begun never begins again', () => {
  for (const combination of where({ hasBegun: true })) expectNoneOf(combination, ['takeOver', 'bypass']);
});

describe('facts are read only where they matter', () => {
  test('a hit reads presence, confirmation and proof, and looks for no fill', () => {
    assert.deepEqual(reads({ presence: 'linked', hasLiveProof: true }), [
      'presence',
      'isConfirmed',
      'hasLiveProof',
    ]);
  });

  test('the proof, which is counted as a decision, is not read where it decides nothing', () => {
    for (const row of [
      { presence: 'linked', isConfirmed: true },
      { presence: 'unlinked' },
      { isHead: true },
      {},
      { fill: 'open', speaksForCaller: true },
      { fill: 'opening', refusesCaller: true },
      { fill: 'joined', isInRepository: true },
      { fill: 'unstored' },
    ] as const)
      assert.ok(!reads(row).includes('hasLiveProof'), JSON.stringify(row));
  });
});

function* allCombinations(): Generator<Combination> {
  for (const presence of PRESENCES)
    for (const [isHead, hasBegun, isConfirmed, isAuthorized, hasLiveProof] of flags()) {
      const own = { ...NOTHING, presence, isHead, hasBegun, isConfirmed, isAuthorized, hasLiveProof };
      yield own;
      for (const fill of FILLS)
        for (const [refusesCaller, speaksForCaller, asksInRepository, isInRepository, knowsSize] of flags())
          yield {
            ...own,
            fill,
            refusesCaller,
            speaksForCaller,
            asksInRepository,
            isInRepository,
            knowsSize,
          };
    }
}

type Five = [boolean, boolean, boolean, boolean, boolean];

/** Every list of five booleans. */
function flags(): Five[] {
  return Array.from({ length: 32 }, (_, bits) => [1, 2, 4, 8, 16].map((bit) => (bits & bit) !== 0)) as Five[];
}

function factsOf(combination: Combination): BlobFacts {
  const { fill: state, ...facts } = combination;
  return { ...facts, fill: state === 'none' ? undefined : { ...facts, state } };
}

function holds(row: Row, combination: Combination): boolean {
  return Object.entries(row).every(([fact, values]) =>
    [values].flat().includes(combination[fact as keyof Combination]),
  );
}

function where(row: Row): Combination[] {
  return combinations.filter((combination) => holds(row, combination));
}

function deciding(...steps: readonly BlobStep[]): Combination[] {
  return combinations.filter((combination) => steps.includes(decideBlob(factsOf(combination))));
}

function expectOneOf(combination: Combination, steps: readonly BlobStep[]): void {
  const step = decideBlob(factsOf(combination));
  assert.ok(steps.includes(step), `${step}: ${JSON.stringify(combination)}`);
}

function expectNoneOf(combination: Combination, steps: readonly BlobStep[]): void {
  const step = decideBlob(factsOf(combination));
  assert.ok(!steps.includes(step), `${step}: ${JSON.stringify(combination)}`);
}

/** The facts that are read for a decision, each once and in their order; those of the fill apart. */
function reads(facts: Partial<Combination>): string[] {
  const read: string[] = [];
  decideBlob(
    new Proxy(factsOf({ ...NOTHING, ...facts }), {
      get(target, name) {
        read.push(String(name));
        return Reflect.get(target, name) as unknown;
      },
    }),
  );
  return read;
}
