// Walks through the main paths with Seam's JavaScript SDK, as anybody's program would: `node walk.mjs <endpoint> <key>`.
// Prints a line of JSON for each step, `{step, said}`; for `{wait}` somebody lets a minute pass, and writes a line.

import { createServer } from 'node:http'
import { argv, stdin } from 'node:process'
import { createInterface } from 'node:readline/promises'
import {
  Seam,
  SeamWebhook,
  isSeamHttpApiError,
  isSeamHttpInvalidInputError,
  isSeamHttpUnauthorizedError,
} from 'seam'

const [, , endpoint, apiKey] = argv
const waitForActionAttempt = { pollingInterval: 50, timeout: 20_000 }
const seam = new Seam({ apiKey, endpoint, waitForActionAttempt })
const answers = createInterface({ input: stdin })[Symbol.asyncIterator]()

const tell = (line) => console.log(JSON.stringify(line))

const aMinutePasses = async () => {
  tell({ wait: true })
  await answers.next()
}

const refused = async (asking) => {
  try {
    await asking
  } catch (error) {
    if (!isSeamHttpApiError(error)) throw error
    return error
  }
  throw new Error('It was not refused.')
}

const inDays = (days) => new Date(Date.now() + days * 86_400_000).toISOString()
const stay = { starts_at: inDays(10), ends_at: inDays(12) }
const [lock, otherLock] = (await seam.devices.list()).map((device) => device.device_id)

const steps = {
  async workspace() {
    const { name, is_sandbox } = await seam.workspaces.get()
    return { name, is_sandbox }
  },

  async devices() {
    const listed = await seam.devices.list()
    const one = await seam.devices.get({ device_id: lock })
    return { count: listed.length, type: one.device_type, name: one.properties.name, locked: one.properties.locked }
  },

  // Early, since a verifier holds the time of a message against its own clock.
  async events() {
    const told = []
    const receiver = createServer((request, response) => {
      const parts = []
      request.on('data', (part) => parts.push(part))
      request.on('end', () => {
        told.push({ body: Buffer.concat(parts).toString(), headers: request.headers })
        response.writeHead(204).end()
      })
    })
    await new Promise((listens) => receiver.listen(0, '127.0.0.1', listens))
    const url = `http://127.0.0.1:${receiver.address().port}/hook`
    const { secret, webhook_id } = await seam.webhooks.create({ url, event_types: ['access_code.created'] })
    const { access_code_id } = await seam.accessCodes.create({ device_id: lock, name: 'Eve', ...stay })
    await aMinutePasses()
    const verified = told.map(({ body, headers }) => new SeamWebhook(secret).verify(body, headers))
    const listed = await seam.events.list({ access_code_id, event_type: 'access_code.created' })
    const one = await seam.events.get({ event_id: listed[0].event_id })
    await seam.webhooks.delete({ webhook_id })
    receiver.close()
    receiver.closeAllConnections()
    return {
      told: verified.map((event) => [event.event_type, event.access_code_id === access_code_id]),
      listed: listed.map(({ event_id }) => verified.some((event) => event.event_id === event_id)),
      one: one.event_type,
      hooks: (await seam.webhooks.list()).length,
    }
  },

  async code() {
    const seen = []
    const { access_code_id } = await seam.accessCodes.create({ device_id: lock, name: 'Anna Smith', code: '472931' })
    const look = async () => {
      const { name, code, status, errors } = await seam.accessCodes.get({ access_code_id })
      seen.push([name, code, status, errors.length])
    }
    await look()
    await aMinutePasses()
    await look()
    await seam.accessCodes.update({ access_code_id, name: 'Anna Berg', code: '813526' })
    await aMinutePasses()
    await look()
    const listed = await seam.accessCodes.list({ device_id: lock, search: 'berg' })
    await seam.accessCodes.delete({ access_code_id })
    await look()
    await aMinutePasses()
    const gone = await refused(seam.accessCodes.get({ access_code_id }))
    return { seen, listed: listed.map((one) => one.access_code_id === access_code_id), gone: [gone.statusCode, gone.code] }
  },

  async multiple() {
    const wanted = { device_ids: [lock, otherLock], name: 'Cleaners', ...stay }
    const made = await seam.accessCodes.createMultiple(wanted)
    const again = await seam.accessCodes.createMultiple(wanted)
    const [{ common_code_key }] = made
    await seam.accessCodes.updateMultiple({ common_code_key, name: 'Window cleaners' })
    const listed = await seam.accessCodes.list({ search: 'window' })
    for (const { access_code_id } of made) await seam.accessCodes.delete({ access_code_id })
    return {
      locks: made.map(({ device_id }) => [lock, otherLock].indexOf(device_id)),
      digits: new Set(made.map(({ code }) => code)).size,
      repeated: made.every(({ access_code_id }, at) => access_code_id === again[at].access_code_id),
      names: listed.map(({ name }) => name),
    }
  },

  async pages() {
    const made = []
    for (let count = 0; count < 5; count++) {
      made.push((await seam.accessCodes.create({ device_id: otherLock, ...stay })).access_code_id)
    }
    const pages = seam.createPaginator(seam.accessCodes.list({ device_id: otherLock, limit: 2 }))
    const [first, { hasNextPage, nextPageCursor }] = await pages.firstPage()
    const [second] = await pages.nextPage(nextPageCursor)
    const all = (await pages.flattenToArray()).map(({ access_code_id }) => access_code_id)
    for (const access_code_id of made) await seam.accessCodes.delete({ access_code_id })
    return { first: first.length, hasNextPage, second: second.length, same: `${all.sort()}` === `${made.sort()}` }
  },

  async unmanaged() {
    const [{ name, code, is_managed, access_code_id }] = await seam.accessCodes.unmanaged.list({ device_id: lock })
    await seam.accessCodes.unmanaged.convertToManaged({ access_code_id })
    const ours = await seam.accessCodes.get({ access_code_id })
    return { name, code, is_managed, then: [ours.code, ours.is_managed] }
  },

  async backup() {
    const wanted = { device_id: lock, name: 'Ben', ends_at: stay.ends_at, starts_at: inDays(-1) }
    const { access_code_id } = await seam.accessCodes.create({ ...wanted, use_backup_access_code_pool: true })
    await aMinutePasses()
    const backup = await seam.accessCodes.pullBackupAccessCode({ access_code_id })
    return { name: backup.name, is_backup: backup.is_backup, is_another: backup.access_code_id !== access_code_id }
  },

  async doors() {
    const waited = await seam.locks.unlockDoor({ device_id: lock })
    const pending = await seam.locks.lockDoor({ device_id: otherLock }, { waitForActionAttempt: false })
    const { action_attempt_id } = pending
    const done = await seam.actionAttempts.get({ action_attempt_id })
    return {
      waited: [waited.action_type, waited.status, waited.result !== null],
      pending: [pending.status, pending.result],
      done: [done.action_attempt_id === action_attempt_id, done.status],
    }
  },

  async spaces() {
    const { space_id } = await seam.spaces.create({ name: 'Villa', space_key: 'villa', device_ids: [lock] })
    await seam.spaces.addDevices({ space_id, device_ids: [otherLock] })
    const inside = await seam.devices.list({ space_id })
    const listed = await seam.spaces.list()
    await seam.spaces.removeDevices({ space_id, device_ids: [lock, otherLock] })
    await seam.spaces.update({ space_id, name: 'Beach house' })
    const { name } = await seam.spaces.get({ space_key: 'villa' })
    await seam.spaces.delete({ space_id })
    return { inside: inside.length, listed: listed.map((space) => space.name), name, left: (await seam.spaces.list()).length }
  },

  async grants() {
    const made = await seam.accessGrants.create({
      user_identity: { full_name: 'Carla Diaz', email_address: 'carla@example.com' },
      device_ids: [lock, otherLock],
      requested_access_methods: [{ mode: 'code' }],
      ...stay,
    })
    const { access_grant_id, user_identity_id } = made
    const got = await seam.accessGrants.get({ access_grant_id })
    const [method] = await seam.accessMethods.list({ access_grant_id })
    const identity = await seam.userIdentities.get({ user_identity_id })
    await seam.accessGrants.delete({ access_grant_id })
    await aMinutePasses()
    const gone = await refused(seam.accessGrants.get({ access_grant_id }))
    return {
      ends_at: got.ends_at === stay.ends_at,
      method: [method.mode, /^\d{4,}$/.test(method.code)],
      identity: identity.full_name,
      gone: [gone.statusCode, gone.code],
    }
  },

  async customers() {
    await seam.customers.pushData({
      customer_key: 'host-1',
      properties: [{ property_key: 'villa-1', name: 'Villa' }],
      guests: [{ guest_key: 'dora-1', name: 'Dora', email_address: 'dora@example.com' }],
      reservations: [{ reservation_key: 'stay-1', property_keys: ['villa-1'], guest_key: 'dora-1', ...stay }],
    })
    const spaces = await seam.spaces.list({ customer_key: 'host-1' })
    await seam.customers.deleteData({ customer_keys: ['host-1'] })
    return { spaces: spaces.map(({ name }) => name), left: (await seam.spaces.list({ customer_key: 'host-1' })).length }
  },

  async webview() {
    const { connect_webview_id } = await seam.connectWebviews.create({ accepted_providers: ['nuki'] })
    const { status, url } = await seam.connectWebviews.get({ connect_webview_id })
    await seam.connectWebviews.delete({ connect_webview_id })
    return { status, url: URL.canParse(url) }
  },

  async faults() {
    const digits = await refused(seam.accessCodes.create({ device_id: lock, code: 'abcd' }))
    const stranger = new Seam({ apiKey: 'seam_lockstep_nobody', endpoint })
    const unknown = await refused(stranger.devices.list())
    return {
      digits: [isSeamHttpInvalidInputError(digits), digits.statusCode, digits.code],
      about: digits.getValidationErrorMessages('code').length,
      request: digits.requestId.startsWith('request'),
      unknown: [isSeamHttpUnauthorizedError(unknown), unknown.statusCode],
    }
  },

  async sessions() {
    const [{ connected_account_id }] = await seam.connectedAccounts.list()
    const anna = { user_identifier_key: 'anna', connected_account_ids: [connected_account_id] }
    const { token, client_session_id } = await seam.clientSessions.create(anna)
    const hers = Seam.fromClientSessionToken(token, { endpoint, waitForActionAttempt })
    const seen = (await hers.devices.list()).length
    const { status } = await hers.locks.unlockDoor({ device_id: lock })
    await seam.workspaces.update({ is_publishable_key_auth_enabled: true })
    const { publishable_key } = await seam.workspaces.get()
    const again = await Seam.fromPublishableKey(publishable_key, 'anna', { endpoint })
    const seenAgain = (await again.devices.list()).length
    await seam.clientSessions.revoke({ client_session_id })
    return { seen, status, seenAgain, revoked: (await refused(hers.devices.list())).statusCode }
  },
}

for (const [step, walk] of Object.entries(steps)) tell({ step, said: await walk() })
answers.return()
stdin.destroy()
