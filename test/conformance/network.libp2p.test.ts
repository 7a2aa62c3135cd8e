import { describe, test } from 'vitest'
import { networkConformance } from '../../src/testing/network.ts'
import { openLibp2p } from '../integration/libp2p-mesh.ts'

networkConformance('libp2p', { describe, test, open: (count) => openLibp2p(count) })
