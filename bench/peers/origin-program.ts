/** Program of the origin: the test kit's upstream in a process of its own, controlled by messages of its parent. */
import { blobOf, imageOf, startUpstream, type UpstreamOptions } from '../../test/kit/index.ts';
import type { Order, Reply } from './origin.ts';

const upstream = await startUpstream(JSON.parse(process.argv[2] ?? '{}') as UpstreamOptions);

process.on('message', (order: Order) => process.send!(obey(order)));
process.on('disconnect', () => process.exit());
process.send!({ url: upstream.url } satisfies Reply);

function obey(order: Order): Reply {
  switch (order.do) {
    case 'push': {
      const image = imageOf({ layers: [blobOf(order.bytes, order.seed)] });
      upstream.push(order.repository, image, 'latest');
      return { manifest: image.digest, layer: image.layers[0]!.digest };
    }
    case 'restrict':
      upstream.setAccess(order.repository, { readers: order.readers });
      return {};
    case 'slow down':
      upstream.faults.add({ match: { kind: 'blob' }, bytesPerSecond: order.bytesPerSecond });
      return {};
    case 'count': {
      const filter = { kind: 'blob', method: 'GET', digest: order.digest } as const;
      return { gets: upstream.count(filter), bytes: upstream.bodyBytes(filter) };
    }
    case 'reset':
      upstream.faults.clear();
      upstream.reset();
      return {};
    default:
      throw new Error(`unknown order: ${JSON.stringify(order satisfies never)}`);
  }
}
