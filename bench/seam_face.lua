-- One request of Seam's API over and over, for wrk: the same for whichever server is asked.
--
-- wrk ... -s seam_face.lua ADDRESS -- KEY PATH DEVICE_IDS FIRST: the ids with commas between them. Codes are numbered
-- from FIRST on, and each number has its own digits on its own device; where a code is not to be made, FIRST is of no
-- matter. At the end one line of JSON: requests answered with success, the others, seconds, and latencies in ms.

local DAY = 24 * 60 * 60
local FIRST_DAY = 30 -- beyond what any server writes to locks ahead
local DAYS = 365
local STEP = 7919 -- coprime to a million, so that digits come again only after a million codes

local key, path, devices, number = nil, nil, {}, 0
local begins = os.time() + FIRST_DAY * DAY
local headers = {}
local asked = {}

local function instant(at)
  return os.date("!%Y-%m-%dT%H:%M:%SZ", at)
end

local function creation()
  local device = devices[number % #devices + 1]
  local starts_at = begins + number % DAYS * DAY
  local body = string.format(
    '{"device_id":"%s","name":"Guest %d","code":"%06d","starts_at":"%s","ends_at":"%s"}',
    device, number, number * STEP % 1000000, instant(starts_at), instant(starts_at + 3 * DAY))
  number = number + 1
  return body
end

local bodies = {
  ["/devices/list"] = function() return "{}" end,
  ["/devices/get"] = function()
    number = number + 1
    return string.format('{"device_id":"%s"}', devices[number % #devices + 1])
  end,
  ["/access_codes/create"] = creation,
}

function init(args)
  key, path = args[1], args[2]
  for id in string.gmatch(args[3], "[^,]+") do devices[#devices + 1] = id end
  number = tonumber(args[4])
  headers["authorization"] = "Bearer " .. key
  headers["content-type"] = "application/json"
end

function request()
  return wrk.format("POST", path, headers, bodies[path]())
end

function done(summary, latency, requests)
  local e = summary.errors
  local failed = e.connect + e.read + e.write + e.status + e.timeout
  io.write(string.format('{"answers":%d,"failed":%d,"seconds":%f,"p50_ms":%f,"p99_ms":%f}\n',
    summary.requests, failed, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
