import { localStore } from '../../test/store/harness.ts';
import { storeConformance } from '../../test/store/store-conformance.ts';

storeConformance('the store on disk', localStore);
