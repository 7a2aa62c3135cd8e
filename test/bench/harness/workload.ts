/** The same work for every side: a reading of about 250 B as JSON, on 40 topics, among 100 subscriptions. */
export interface Reading {
  seq: number
  sentAt: number
  deviceId: string
  temperature: number
  pressure: number
  humidity: number
  status: string
  tags: string[]
  position: { x: number; y: number; z: number }
  note: string
}

export const reading = (index: number): Reading => ({
  seq: index,
  sentAt: 0,
  deviceId: `sensor-${index % 8}-${(index * 2_654_435_761) % 65_536}`,
  temperature: 20 + (index % 100) / 10,
  pressure: 1013.25 + (index % 7),
  humidity: 0.43,
  status: index % 5 === 0 ? 'degraded' : 'nominal',
  tags: [`line-${index % 10}`, 'hall-B', 'shift-2'],
  position: { x: 12.5 + (index % 3), y: 44.25, z: 1.5 },
  note: `periodic reading ${index % 997}, calibrated`,
})

export const topics: readonly string[] = Array.from(
  { length: 40 },
  (_, index) => `amcp.domain.plant.${index % 4}.line.${index % 10}.cell-${index}`,
)

/** 40 patterns that match one topic each and 60 that match none, with wildcards among both. */
export const patterns: readonly string[] = [
  ...Array.from({ length: 40 }, (_, index) => `amcp.domain.plant.*.line.*.cell-${index}`),
  ...Array.from({ length: 30 }, (_, index) => `amcp.domain.other-${index}.>`),
  ...Array.from({ length: 30 }, (_, index) => `amcp.domain.site.*.device.${index}.*.state`),
]

const prepared: readonly Reading[] = Array.from({ length: 4096 }, (_, index) => reading(index))

/** A fresh object each time, as a real publisher would make one. */
export const nextReading = (index: number, sentAt = 0): Reading => ({ ...prepared[index & 4095]!, seq: index, sentAt })

/** Microseconds on a clock that all processes of the machine share. */
export const sharedMicros = (): number => Number(process.hrtime.bigint() / 1000n)
