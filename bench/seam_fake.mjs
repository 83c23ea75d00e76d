// Serves npm `@seamapi/fake-seam-connect` on loopback: `node seam_fake.mjs PACKAGE PORT`, and on stdin a JSON list of
// the codes that it holds from the start. Prints one line of JSON: its address, a key, and its devices.

import net from 'node:net'
import { pathToFileURL } from 'node:url'

// It names no interface, so node would take all of them.
const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (port, ...others) {
  return listen.call(this, { port, host: '127.0.0.1' }, ...others.filter((it) => typeof it === 'function'))
}

const [place, port] = process.argv.slice(2)
const { createFake } = await import(pathToFileURL(`${place}/dist/index.js`).href)

let sent = ''
for await (const part of process.stdin) sent += part

const fake = await createFake()
await fake.seed()
const held = fake.database.getState()
const key = held.api_keys.find((it) => it.token !== undefined)
const devices = held.devices.filter((it) => it.workspace_id === key.workspace_id)
JSON.parse(sent).forEach(({ code, starts_at, ends_at }, number) => {
  // What a creation leaves behind there.
  const device = devices[number % devices.length]
  const where = { workspace_id: key.workspace_id, device_id: device.device_id }
  const made = held.addAccessCode({ ...where, code, name: `Guest ${number}`, starts_at, ends_at, type: 'time_bound' })
  const { access_code_id } = made
  const { connected_account_id } = device
  held.addEvent({ ...where, event_type: 'access_code.created', access_code_id, connected_account_id })
})
await fake.startServer({ port: Number(port) })
const address = `http://127.0.0.1:${port}`
console.log(JSON.stringify({ address, key: key.token, devices: devices.map((it) => it.device_id) }))
