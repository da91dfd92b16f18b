import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { flip } from '../../../test/store/flip.ts';
import { A, body, localStore } from '../../../test/store/harness.ts';
import { readWhole } from '../../../test/store/read-whole.ts';
import type { Spool } from '../types.ts';

const OF = body(300_000);
const NAME = `${OF.digest.replace(':', '-')}.a.example`;

function read(spool: Spool, size: number): Promise<Buffer> {
  return readWhole({ size, read: (buffer, offset, end) => spool.read(buffer, offset, end) });
}

test('bytes of a running download are checked from a second after their write on, and the download goes on', async () => {
  await using under = await localStore();
  const spool = await under.store.spool(OF.digest, A, 300_000);
  await spool.append([OF.content.subarray(0, 200_000)]);
  assert.deepEqual(await read(spool, 200_000), OF.content.subarray(0, 200_000));
  flip(join(under.directory, 'spool', NAME), 70_000);
  under.clock.advance(1000);
  assert.deepEqual(await spool.read(Buffer.alloc(65_536), 0, 65_536), OF.content.subarray(0, 65_536));
  await assert.rejects(read(spool, 200_000), { code: 'STORE_DAMAGED' });
  flip(join(under.directory, 'spool', NAME), 199_999);
  await assert.rejects(spool.read(Buffer.alloc(65_536), 197_000, 200_000), { code: 'STORE_DAMAGED' });
  flip(join(under.directory, 'spool', NAME), 199_999);
  await spool.append([OF.content.subarray(200_000)]);
  const content = await spool.commit({ type: 'blob', repositoryId: A });
  await assert.rejects(readWhole(content), { code: 'STORE_DAMAGED' });
  content.close();
  const remains = await under.store.remains(OF.digest, A);
  assert.deepEqual(remains?.damaged, [{ start: 65_536, end: 131_072 }]);
  remains?.close();
});
