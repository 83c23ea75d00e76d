-- The first schema. Every table's key begins with workspace_id and references stay within it (see docs/architecture.md).
-- Instants are passed in; nothing here calls now() except leases, which run on the database's clock.

create type uuidrange as range (subtype = uuid);

do $$
begin
  if not exists (select from pg_roles where rolname = 'lockstep_app') then
    create role lockstep_app nologin;
  end if;
exception
  -- Another process may create it at the same time; without the right to create roles the owner works itself, and
  -- forced row security binds it too.
  when duplicate_object or unique_violation or insufficient_privilege then null;
end
$$;

create table workspaces (
  id uuid primary key,
  public_id text not null unique,
  name text not null,
  created_at timestamptz not null,
  -- A restored or copied database only looks until an operator confirms that it rules.
  is_ruling boolean not null default true,
  retention_days integer not null default 365 check (retention_days between 1 and 3650),
  salt bytea not null,
  -- Emulated locks, to try things with.
  is_sandbox boolean not null default false,
  -- Stands in pages that anybody can read, so it is no secret; it opens nothing but a session, and that only where the
  -- workspace allows it.
  publishable_key text unique,
  is_publishable_key_enabled boolean not null default false,
  -- What is shown to people who connect an account: for whom, and how the page looks.
  partner_name text,
  webview_look jsonb not null default '{}',
  organization_key text,
  suspended_at timestamptz,
  -- Whether callers at Seam's door are held to so many acts a minute on each device.
  is_paced boolean not null default true,
  -- The head of the audit chain; the sequencer holds this row while it writes. Appending an event does not touch it,
  -- or all writers of a workspace would queue up behind each other.
  event_position bigint not null default 0,
  event_hash bytea not null default '\x',
  swept_at timestamptz
);

create table api_keys (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  public_id text not null,
  name text not null,
  secret_hash bytea not null unique,
  shown text not null,
  scopes text[] not null,
  property_ids uuid[],
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, public_id)
);

-- Operators are people, of no workspace and perhaps of several; only what looks across all of them sees who they are.
create table operators (
  id uuid primary key,
  public_id text not null unique,
  name text not null,
  email text,
  created_at timestamptz not null
);

create table memberships (
  workspace_id uuid not null references workspaces (id),
  operator_id uuid not null references operators on delete cascade,
  role text not null check (role in ('owner', 'member')),
  created_at timestamptz not null,
  primary key (workspace_id, operator_id)
);
create index memberships_of_operator on memberships (operator_id);

create table operator_tokens (
  id uuid primary key,
  public_id text not null unique,
  operator_id uuid not null references operators on delete cascade,
  name text not null,
  secret_hash bytea not null unique,
  shown text not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz
);
create index operator_tokens_of_operator on operator_tokens (operator_id);

create table accounts (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  public_id text not null,
  vendor text not null,
  vendor_account text not null,
  label text not null,
  -- Sealed, as every value here that is never empty: of what is forgotten there is none.
  credentials bytea check (octet_length(credentials) > 30),
  callback_token_hash bytea unique,
  -- The address that Lockstep itself told the vendor, and the secret that the vendor then told, sealed. No time: it was
  -- about to be told, or is to be told anew.
  registered_url bytea check (octet_length(registered_url) > 30),
  registered_token_hash bytea unique,
  registered_secret bytea check (octet_length(registered_secret) > 30),
  callbacks_checked_at timestamptz,
  -- Why the vendor does not call; no failure of the account.
  no_callbacks jsonb,
  state text not null default 'active'
    check (state in ('active', 'credentials_refused', 'parked', 'disconnecting', 'disconnected')),
  failure jsonb,
  failures integer not null default 0,
  created_at timestamptz not null,
  disconnected_at timestamptz,
  described_at timestamptz,
  -- Whether Lockstep looks after a device that appears under it.
  manages_new_devices boolean not null default true,
  -- Of which kinds devices are taken in; none: of every kind.
  accepted_kinds text[],
  -- What callers gave it: whose it is, by their own key, and values that only they understand.
  customer_key text,
  custom_metadata jsonb not null default '{}',
  -- The budget: tokens refill with time, permits are calls under way.
  tokens double precision not null default 0,
  tokens_at timestamptz,
  blocked_until timestamptz,
  -- Calls under way: their ids, and when each is counted out (on the database's clock).
  permits jsonb not null default '{}',
  -- When to describe again, and who does.
  generation bigint not null default 1,
  applied_generation bigint not null default 0,
  due_at timestamptz,
  leased_until timestamptz,
  lease_epoch bigint not null default 0,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  constraint accounts_forget_credentials check ((credentials is null) = (state = 'disconnected')),
  constraint accounts_forget_registration check (registered_url is null or state <> 'disconnected'),
  constraint accounts_registration_whole check (
    (registered_url is null) = (registered_token_hash is null)
    and (registered_secret is null or registered_url is not null))
);
-- One that was disconnected and is connected again is the same account, with its devices and their places.
create unique index accounts_once on accounts (workspace_id, vendor, vendor_account);
create index accounts_due on accounts (due_at) where due_at is not null;
create index accounts_of_customer on accounts (workspace_id, customer_key) where customer_key is not null;

-- A link to a page on which somebody connects an account of theirs. The token is sealed, since whoever made the link may
-- see it again, until it can be used no more.
create table connect_webviews (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  public_id text not null,
  token_hash bytea not null unique,
  token bytea not null check (octet_length(token) > 30),
  state text not null default 'pending' check (state in ('pending', 'failed', 'authorized')),
  -- Names of vendors, or of makers whose locks a sandbox emulates; none: all.
  accepted_vendors text[],
  accepted_kinds text[],
  manages_new_devices boolean not null default true,
  customer_key text,
  custom_metadata jsonb not null default '{}',
  redirect_url text,
  failure_redirect_url text,
  -- Told again as it was asked; nothing follows from it.
  asked jsonb not null default '{}',
  chosen_vendor text,
  account_id uuid,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  authorized_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  foreign key (workspace_id, account_id) references accounts on delete set null (account_id),
  constraint connect_webviews_authorized check ((authorized_at is not null) = (state = 'authorized'))
);
create index connect_webviews_of_account on connect_webviews (workspace_id, account_id) where account_id is not null;

-- A link to a page that shows one customer's places, devices and codes, and changes nothing.
create table customer_portals (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  public_id text not null,
  customer_key text not null,
  token_hash bytea not null unique,
  -- What is shown of all that, and how: `operations/portals.py`.
  shows jsonb not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  primary key (workspace_id, id),
  unique (workspace_id, public_id)
);

-- A write domain: what must be written by one at a time, and so the unit of claiming.
create table domains (
  workspace_id uuid not null,
  id uuid not null,
  account_id uuid not null,
  reference text not null,
  generation bigint not null default 1,
  applied_generation bigint not null default 0,
  -- When the next reading is due, and when declaration and belief must be compared again: due_at is the earlier one.
  look_at timestamptz,
  think_at timestamptz,
  due_at timestamptz,
  leased_until timestamptz,
  lease_epoch bigint not null default 0,
  -- Soonest arrival that awaits a write here: decides who goes first when calls are scarce.
  urgent_at timestamptz,
  failures integer not null default 0,
  failure jsonb,
  doubt_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, account_id, reference),
  foreign key (workspace_id, account_id) references accounts on delete cascade
);
create index domains_due on domains (workspace_id, due_at) where due_at is not null;
create index domains_due_everywhere on domains (due_at) where due_at is not null;

create table devices (
  workspace_id uuid not null,
  id uuid not null,
  public_id text not null,
  account_id uuid not null,
  domain_id uuid not null,
  reference text not null,
  kind text not null,
  name text not null,
  model text not null default '',
  maker text,
  capabilities jsonb not null,
  time_zone text,
  state jsonb not null default '{}',
  is_online boolean,
  -- When it went offline lately, as far as it counts towards being flaky.
  outages timestamptz[] not null default '{}',
  -- What callers gave it: a name of their own, and values that only they understand.
  nickname text,
  custom_metadata jsonb not null default '{}',
  -- Lengths of codes that callers found out it takes, where the vendor tells others.
  reported_code_lengths integer[],
  created_at timestamptz not null,
  -- Since when the vendor does not list it, and in how many descriptions; when that was taken as removed; when an
  -- operator said that it is gone for good.
  missed_since timestamptz,
  missed integer not null default 0,
  removed_at timestamptz,
  given_up_at timestamptz,
  -- False: Lockstep neither looks at it nor writes to it.
  is_managed boolean not null default true,
  -- How many backup codes are to stand on it; null: it has no pool of these. When they are to be looked at next.
  backup_pool_size integer check (backup_pool_size between 1 and 10),
  -- A lock without a schedule of its own opens for its backup codes at any time: only where an operator wants that.
  backups_without_schedule boolean not null default false,
  backup_pool_due_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  unique (workspace_id, account_id, reference),
  foreign key (workspace_id, account_id) references accounts on delete cascade,
  foreign key (workspace_id, domain_id) references domains on delete cascade
);
create index devices_of_domain on devices (workspace_id, domain_id);
create index devices_backup_pool_due on devices (backup_pool_due_at) where backup_pool_due_at is not null;

-- How many acts of a kind callers may still ask of a device: tokens, which refill with time.
create table paces (
  workspace_id uuid not null,
  device_id uuid not null,
  act text not null,
  tokens double precision not null,
  at timestamptz not null,
  primary key (workspace_id, device_id, act),
  foreign key (workspace_id, device_id) references devices on delete cascade
);

create table spaces (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  public_id text not null,
  space_key text,
  parent_id uuid,
  property_id uuid not null,
  name text not null,
  address text,
  time_zone text,
  check_in time,
  check_out time,
  -- Whose it is, by the caller's own key.
  customer_key text,
  created_at timestamptz not null,
  removed_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  unique (workspace_id, space_key),
  foreign key (workspace_id, parent_id) references spaces,
  -- A property is a top-level space and carries what a booking needs to become a window.
  check ((parent_id is null) = (property_id = id)),
  check (parent_id is not null or (time_zone is not null and check_in is not null and check_out is not null))
);

-- How often what stands in a property, with all that lies in it, has changed. Who declares access there compares it. A
-- row of its own: the property's is held by whoever reads its feeds, and he waits for bookings that wait for this.
create table furnishings (
  workspace_id uuid not null,
  property_id uuid not null,
  generation bigint not null default 0,
  primary key (workspace_id, property_id),
  foreign key (workspace_id, property_id) references spaces on delete cascade
);

create table space_devices (
  workspace_id uuid not null,
  space_id uuid not null,
  device_id uuid not null,
  primary key (workspace_id, space_id, device_id),
  foreign key (workspace_id, space_id) references spaces on delete cascade,
  foreign key (workspace_id, device_id) references devices on delete cascade
);

create index spaces_of_customer on spaces (workspace_id, customer_key) where customer_key is not null;

-- Accounts that callers keep with a space, whether or not all of their devices stand in it.
create table space_accounts (
  workspace_id uuid not null,
  space_id uuid not null,
  account_id uuid not null,
  primary key (workspace_id, space_id, account_id),
  foreign key (workspace_id, space_id) references spaces on delete cascade,
  foreign key (workspace_id, account_id) references accounts on delete cascade
);

create index space_devices_of_device on space_devices (workspace_id, device_id);

create table guests (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  public_id text not null,
  guest_key text,
  name text,
  email text,
  phone text,
  language text,
  -- Whose guest, by the caller's own key.
  customer_key text,
  created_at timestamptz not null,
  erased_at timestamptz,
  -- False: known from an access system alone, until somebody takes them in.
  is_managed boolean not null default true,
  -- The guest that this one turned out to be: has all that it had.
  merged_into uuid,
  -- The account whose access system knows this person, and by which name of its own.
  seen_account_id uuid,
  seen_reference text,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  unique (workspace_id, guest_key),
  unique (workspace_id, seen_account_id, seen_reference),
  foreign key (workspace_id, merged_into) references guests,
  foreign key (workspace_id, seen_account_id) references accounts
);
create index guests_of_email on guests (workspace_id, lower(email)) where email is not null;
create index guests_of_phone on guests (workspace_id, phone) where phone is not null;
create index guests_merged on guests (workspace_id, merged_into) where merged_into is not null;

create index guests_of_customer on guests (workspace_id, customer_key) where customer_key is not null;

-- Devices that a guest was given by hand, not by a stay.
create table guest_devices (
  workspace_id uuid not null,
  guest_id uuid not null,
  device_id uuid not null,
  created_at timestamptz not null,
  primary key (workspace_id, guest_id, device_id),
  foreign key (workspace_id, guest_id) references guests on delete cascade,
  foreign key (workspace_id, device_id) references devices on delete cascade
);
create index guest_devices_of_device on guest_devices (workspace_id, device_id);

-- What a person's app shows, and what it reaches: these accounts, webviews and this guest's devices, and nothing else.
create table client_sessions (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  public_id text not null,
  token_hash bytea not null unique,
  -- Sealed, since whoever may list sessions may see their tokens again.
  token bytea not null check (octet_length(token) > 30),
  -- The caller's own ids of the person and of the customer.
  session_key text,
  customer_key text,
  account_ids uuid[] not null default '{}',
  webview_ids uuid[] not null default '{}',
  guest_id uuid,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  revoked_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  foreign key (workspace_id, guest_id) references guests
);
create unique index client_sessions_of_key on client_sessions (workspace_id, session_key)
  where session_key is not null and revoked_at is null;
-- Links that open a guest's session on their own device, so many times.
create table instant_keys (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  public_id text not null,
  token_hash bytea not null unique,
  token bytea not null check (octet_length(token) > 30),
  guest_id uuid not null,
  session_id uuid not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  most_uses integer not null check (most_uses > 0),
  uses integer not null default 0,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  foreign key (workspace_id, guest_id) references guests,
  foreign key (workspace_id, session_id) references client_sessions on delete cascade,
  constraint instant_keys_used_up check (uses <= most_uses)
);
create index instant_keys_of_guest on instant_keys (workspace_id, guest_id);
create index instant_keys_of_session on instant_keys (workspace_id, session_id);

create index client_sessions_of_guest on client_sessions (workspace_id, guest_id) where guest_id is not null;

create table calendars (
  workspace_id uuid not null,
  id uuid not null,
  public_id text not null,
  space_id uuid not null,
  name text not null,
  url bytea check (octet_length(url) > 30),
  url_host text not null,
  url_fingerprint uuid not null,
  platform text,
  policy jsonb not null default '{}',
  state text not null default 'new' check (state in ('new', 'good', 'held', 'failing', 'removed')),
  failure jsonb,
  failures integer not null default 0,
  held jsonb,
  -- What else decides about the next reading, or was told of the last: agreed losses, echoes, warnings.
  memory jsonb not null default '{}',
  etag text,
  last_modified text,
  good_at timestamptz,
  -- When the feed was last read whole, not only said to be unchanged.
  whole_at timestamptz,
  created_at timestamptz not null,
  removed_at timestamptz,
  generation bigint not null default 1,
  applied_generation bigint not null default 0,
  due_at timestamptz,
  leased_until timestamptz,
  lease_epoch bigint not null default 0,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  -- One that was removed and is added again is the same calendar.
  unique (workspace_id, space_id, url_fingerprint),
  foreign key (workspace_id, space_id) references spaces,
  constraint calendars_forget_addresses check ((url is null) = (removed_at is not null))
);
create index calendars_due on calendars (due_at) where due_at is not null;

create table bookings (
  workspace_id uuid not null,
  id uuid not null,
  public_id text not null,
  booking_key text,
  -- Whose it is, by the caller's own key.
  customer_key text,
  space_id uuid not null,
  guest_id uuid,
  calendar_id uuid,
  -- Identity within the feed; never dates or digits.
  uid text,
  instance text,
  kind text not null default 'stay' check (kind in ('stay', 'block', 'unclear')),
  state text not null default 'confirmed' check (state in ('confirmed', 'awaiting', 'cancelled')),
  -- The stay's dates at the property, where it was told in dates; of a feed's booking those that the feed tells.
  arrives date,
  departs date,
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  reservation_code text,
  phone_last4 text,
  -- The feed's entry as it was last followed.
  said jsonb,
  missed_readings integer not null default 0,
  missed_since timestamptz,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  cancelled_at timestamptz,
  cancelled_by text check (cancelled_by in ('feed', 'hand')),
  -- Why it could not be declared as it is, and when that is tried again.
  held jsonb,
  declare_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  unique (workspace_id, booking_key),
  foreign key (workspace_id, space_id) references spaces,
  foreign key (workspace_id, guest_id) references guests,
  foreign key (workspace_id, calendar_id) references calendars,
  constraint bookings_window_not_empty check (starts_at < ends_at)
);
create index bookings_of_customer on bookings (workspace_id, customer_key) where customer_key is not null;
create index bookings_of_calendar on bookings (workspace_id, calendar_id, ends_at);
create index bookings_of_guest on bookings (workspace_id, guest_id) where guest_id is not null;
create index bookings_of_space on bookings (workspace_id, space_id, starts_at);
create index bookings_listed on bookings (workspace_id, starts_at, public_id);
create index bookings_living on bookings (workspace_id, ends_at) where state <> 'cancelled';
create index bookings_held on bookings (declare_at) where declare_at is not null;

create table grants (
  workspace_id uuid not null,
  id uuid not null,
  public_id text not null,
  grant_key text,
  name text not null,
  guest_id uuid,
  booking_id uuid,
  -- `code`: asked for as a code of one lock; codes of one common_code_key were asked for together.
  form text not null default 'grant' check (form in ('grant', 'code')),
  -- Of the declaration that was last told to be proven on all locks.
  met text,
  -- The start for which it was told that its code is late, and that it missed it.
  late_for timestamptz,
  missed_for timestamptz,
  common_code_key text,
  -- Whether what somebody changes on the lock becomes the declaration.
  honours_edits boolean not null default false,
  -- What callers say of it: the reservation that it belongs to and whose it is, by their own keys, and how they asked
  -- for it to be met.
  reservation_key text,
  customer_key text,
  requested jsonb not null default '[]',
  starts_at timestamptz not null,
  ends_at timestamptz,
  -- Of what grant_targets names; public ids never change, and looking them up took most of the time that a list took.
  space_public_ids text[] not null default '{}',
  device_public_ids text[] not null default '{}',
  created_at timestamptz not null,
  changed_at timestamptz not null,
  cancelled_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  unique (workspace_id, grant_key),
  foreign key (workspace_id, guest_id) references guests,
  foreign key (workspace_id, booking_id) references bookings,
  constraint grants_window_not_empty check (ends_at is null or starts_at < ends_at)
);
create unique index grants_of_booking on grants (workspace_id, booking_id) where booking_id is not null and cancelled_at is null;
create index grants_of_reservation on grants (workspace_id, reservation_key) where reservation_key is not null;
create index grants_of_customer on grants (workspace_id, customer_key) where customer_key is not null;
create index grants_of_common_code on grants (workspace_id, common_code_key) where common_code_key is not null;
-- Who is inside or arrives: what is over is the most by far.
create index grants_living on grants (workspace_id, ends_at) where cancelled_at is null;

create table grant_targets (
  workspace_id uuid not null,
  grant_id uuid not null,
  space_id uuid,
  device_id uuid,
  id uuid not null,
  primary key (workspace_id, grant_id, id),
  foreign key (workspace_id, grant_id) references grants on delete cascade,
  foreign key (workspace_id, space_id) references spaces,
  foreign key (workspace_id, device_id) references devices on delete cascade,
  check ((space_id is null) <> (device_id is null))
);

-- How a grant is met: one set of digits for all its locks.
create table access_methods (
  workspace_id uuid not null,
  id uuid not null,
  public_id text not null,
  grant_id uuid not null,
  kind text not null default 'code' check (kind in ('code', 'mobile_key')),
  digits bytea check (octet_length(digits) > 30),
  fingerprint uuid,
  warning text,
  -- Digits that were asked for and could not be had.
  wanted bytea check (octet_length(wanted) > 30),
  created_at timestamptz not null,
  withdrawn_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  foreign key (workspace_id, grant_id) references grants on delete cascade
);
create index access_methods_of_grant on access_methods (workspace_id, grant_id, id);

-- One entry of a write domain: declaration and belief. It covers one lock, or several where the vendor says so.
create table entries (
  workspace_id uuid not null,
  id uuid not null,
  domain_id uuid not null,
  method_id uuid,
  -- A backup code in the pool of this device, given to nobody: without a method until it is pulled.
  pool_device_id uuid,
  -- Declared.
  natural_key text not null,
  tag text not null,
  name text not null,
  revision integer not null default 1,
  starts_at timestamptz not null,
  ends_at timestamptz,
  digits bytea check (octet_length(digits) > 30),
  fingerprint uuid,
  -- Digits that were declared before these, which the lock may have still: told as what a change is from.
  former_digits bytea check (octet_length(former_digits) > 30),
  former_fingerprint uuid,
  target_references text[] not null,
  declared_at timestamptz not null,
  withdrawn_at timestamptz,
  is_compromised boolean not null default false,
  honours_edits boolean not null default false,
  -- Believed.
  possible text[] not null default '{absent}',
  evidence smallint not null default 0,
  vendor_references text[] not null default '{}',
  accepted text,
  version text,
  last_write_at timestamptz,
  late_until timestamptz,
  read_at timestamptz,
  proven_at timestamptz,
  tried text[] not null default '{}',
  overwritten integer not null default 0,
  overwritten_at timestamptz,
  -- What somebody else changed last, as long as it is told: field by field, digits never.
  edit jsonb,
  -- What went wrong last, and which alarms were raised for this revision.
  failure jsonb,
  not_before timestamptz,
  alarms text[] not null default '{}',
  actual_starts_at timestamptz,
  actual_ends_at timestamptz,
  -- The revision of which it was told that its window began.
  started integer,
  -- Settled: withdrawn or over, proven gone, nothing can appear any more. Not looked at again.
  settled_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, domain_id) references domains on delete cascade,
  foreign key (workspace_id, method_id) references access_methods on delete set null (method_id),
  foreign key (workspace_id, pool_device_id) references devices on delete cascade,
  constraint entries_of_pool_of_nobody check (pool_device_id is null or method_id is null),
  constraint entries_window_not_empty check (ends_at is null or starts_at < ends_at),
  constraint entries_believe_something check (cardinality(possible) > 0)
);
create index entries_open on entries (workspace_id, domain_id) where settled_at is null;
create index entries_starting on entries (starts_at) where settled_at is null and withdrawn_at is null;
create index entries_alarmed on entries (workspace_id) where settled_at is null and alarms <> '{}';
-- Partial, for before the first statistics a check of a reference would take it for as good as the primary key, and
-- read all entries of the workspace.
create index entries_of_method on entries (workspace_id, method_id) where method_id is not null;
create index entries_of_pool on entries (workspace_id, pool_device_id) where pool_device_id is not null;
create index entries_settled on entries (workspace_id, settled_at) where settled_at is not null;

create table entry_revisions (
  workspace_id uuid not null,
  entry_id uuid not null,
  revision integer not null,
  starts_at timestamptz not null,
  ends_at timestamptz,
  fingerprint uuid,
  name text not null,
  target_references text[] not null,
  primary key (workspace_id, entry_id, revision),
  foreign key (workspace_id, entry_id) references entries on delete cascade
);
-- Whether digits that are given are in use on a lock is asked without reading all of its entries.
create index entry_revisions_of_digits on entry_revisions (workspace_id, fingerprint) where fingerprint is not null;

-- Which of several grants, each with what it wants of a domain, may not be declared: for locks that are looked after no
-- more, or digits that somebody declared there for a time that overlaps. A function, since each of its statements sees
-- what was committed before it: whoever calls it holds the domains' rows, and has waited for whoever held them before.
-- For all at once: called for one after another it took an eighth of what storing them takes.
create function lockstep_refused(of_workspace uuid, wanted jsonb) returns uuid[] language plpgsql volatile strict as $$
begin
  return array(
    select one.grant_id from jsonb_to_recordset(wanted) as one (grant_id uuid, domain_id uuid, device_ids uuid[],
      fingerprint uuid, starts_at timestamptz, ends_at timestamptz)
    where exists (select from (
          select account_id from domains where workspace_id = of_workspace and id = one.domain_id offset 0) q,
        lateral (select state from accounts where workspace_id = of_workspace and id = q.account_id offset 0) a
        where a.state in ('disconnecting', 'disconnected'))
      or exists (select from unnest(one.device_ids) as on_lock (id), lateral (
          select is_managed, given_up_at from devices
          where workspace_id = of_workspace and id = on_lock.id offset 0) d
        where not d.is_managed or d.given_up_at is not null)
      -- By the digits first, which few have: a planner left to itself may read all codes of the domain.
      or exists (select from (
          select entry_id from entry_revisions
          where workspace_id = of_workspace and fingerprint = one.fingerprint offset 0) r,
        lateral (select * from entries where workspace_id = of_workspace and id = r.entry_id offset 0) e
        where e.domain_id = one.domain_id and e.settled_at is null
          and tstzrange(e.starts_at, e.ends_at) && tstzrange(one.starts_at, one.ends_at)));
end
$$;

-- A code on one lock, as the ways in show it: one entry may stand for several.
create table access_codes (
  workspace_id uuid not null,
  id uuid not null,
  public_id text not null,
  access_code_key text,
  device_id uuid not null,
  entry_id uuid not null,
  grant_id uuid not null,
  created_at timestamptz not null,
  withdrawn_at timestamptz,
  -- It was a backup code before it was pulled; the one that was pulled in place of this.
  is_backup boolean not null default false,
  pulled_backup_id uuid,
  -- Of one that was replaced: its caller has deleted it, and leaves the backup code in its place.
  is_put_away boolean not null default false,
  -- Somebody took it off this lock, and that is honoured: the grant goes on without it.
  left_off_at timestamptz,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  unique (workspace_id, access_code_key),
  foreign key (workspace_id, pulled_backup_id) references access_codes on delete set null (pulled_backup_id),
  foreign key (workspace_id, device_id) references devices on delete cascade,
  foreign key (workspace_id, entry_id) references entries on delete cascade,
  foreign key (workspace_id, grant_id) references grants on delete cascade
);
create unique index access_codes_pulled_once on access_codes (workspace_id, pulled_backup_id)
  where pulled_backup_id is not null;
create index access_codes_of_grant on access_codes (workspace_id, grant_id);
create index access_codes_of_device on access_codes (workspace_id, device_id);
create index access_codes_of_entry on access_codes (workspace_id, entry_id);

-- Digits that are or may be on a lock (reconciling.md 18). `span` is the effective window where the vendor compares
-- windows, and from the first possible write to proven gone where it compares presence; `scope_id` is the lock, or the
-- account where the vendor compares site-wide.
create table occupancies (
  workspace_id uuid not null,
  scope_id uuid not null,
  entry_id uuid not null,
  fingerprint uuid not null,
  span tstzrange not null check (not isempty(span)),
  primary key (workspace_id, entry_id, scope_id, fingerprint),
  foreign key (workspace_id, entry_id) references entries on delete cascade,
  constraint occupancies_never_twice exclude using gist (
    uuidrange(scope_id, scope_id, '[]') with &&,
    uuidrange(fingerprint, fingerprint, '[]') with &&,
    span with &&
  )
);

-- A mutating call, stored before it is made.
create table intents (
  workspace_id uuid not null,
  id uuid not null,
  domain_id uuid not null,
  entry_id uuid not null,
  kind text not null check (kind in ('set', 'remove', 'issue', 'surplus')),
  state text not null,
  revision integer not null,
  epoch bigint not null,
  place text,
  begun_at timestamptz not null,
  deadline_at timestamptz not null,
  possible_before text[] not null,
  last_write_before timestamptz,
  ended_at timestamptz,
  outcome text check (outcome in ('done', 'accepted', 'refused', 'unknown', 'not_sent')),
  reason text,
  said text,
  token text,
  look_at timestamptz,
  give_up_at timestamptz,
  primary key (workspace_id, id),
  foreign key (workspace_id, domain_id) references domains on delete cascade,
  foreign key (workspace_id, entry_id) references entries on delete cascade
);
create index intents_open on intents (workspace_id, domain_id) where outcome is null or outcome = 'accepted';
create index intents_of_entry on intents (workspace_id, entry_id, begun_at);

-- One reading serves all targets that it covers; what it showed of each target is kept only where it changed.
create table readings (
  workspace_id uuid not null,
  account_id uuid not null,
  scope text not null,
  begun_at timestamptz not null,
  covers text[] not null,
  primary key (workspace_id, account_id, scope),
  foreign key (workspace_id, account_id) references accounts on delete cascade
);

create table observations (
  workspace_id uuid not null,
  account_id uuid not null,
  target text not null,
  content jsonb not null,
  digest bytea not null,
  changed_at timestamptz not null,
  primary key (workspace_id, account_id, target),
  foreign key (workspace_id, account_id) references accounts on delete cascade
);

-- A code on a lock that is not Lockstep's. What it is like stands in the observation; this is who it is, from reading to
-- reading.
create table unmanaged_codes (
  workspace_id uuid not null,
  id uuid not null,
  public_id text not null,
  device_id uuid not null,
  reference text not null,
  first_seen_at timestamptz not null,
  gone_at timestamptz,
  -- Where somebody asked that it be taken off the lock: the entry that sees to it.
  removal_id uuid,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  foreign key (workspace_id, device_id) references devices on delete cascade,
  foreign key (workspace_id, removal_id) references entries on delete set null (removal_id)
);
create unique index unmanaged_codes_standing on unmanaged_codes (workspace_id, device_id, reference)
  where gone_at is null;
create index unmanaged_codes_gone on unmanaged_codes (workspace_id, gone_at) where gone_at is not null;

create table access_events (
  workspace_id uuid not null,
  account_id uuid not null,
  device_id uuid not null,
  log_reference text not null,
  at timestamptz not null,
  opened boolean not null,
  how text not null,
  entry_id uuid,
  primary key (workspace_id, account_id, log_reference),
  foreign key (workspace_id, device_id) references devices on delete cascade
);
-- When a code last opened a door.
create index access_events_of_entry on access_events (workspace_id, entry_id, device_id, at)
  where opened and entry_id is not null;

create table attempts (
  workspace_id uuid not null,
  id uuid not null,
  public_id text not null,
  device_id uuid not null,
  action text not null check (action in (
    'unlock', 'lock', 'configure_auto_lock', 'simulate_keypad_entry', 'simulate_manual_lock')),
  -- What the act needs besides; never digits.
  request jsonb,
  state text not null default 'pending' check (state in ('pending', 'success', 'error')),
  failure jsonb,
  -- Of a success: how much the answer proves.
  evidence text check (evidence in ('accepted', 'listed', 'acknowledged')),
  -- In a sandbox a tester may say what comes of it: then nothing else does.
  is_forced boolean not null default false,
  result jsonb,
  actor text not null,
  created_at timestamptz not null,
  deadline_at timestamptz not null,
  sent_at timestamptz,
  ended_at timestamptz,
  generation bigint not null default 1,
  applied_generation bigint not null default 0,
  due_at timestamptz,
  leased_until timestamptz,
  lease_epoch bigint not null default 0,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  foreign key (workspace_id, device_id) references devices on delete cascade
);
create index attempts_due on attempts (due_at) where due_at is not null;

-- Events are facts: appended in the transaction that caused them, given a position and a place in the hash chain by one
-- sequencer for each workspace, read by position only. Neither they nor the queue refer to the workspace's row: to check it,
-- all writers of a workspace would lock that one row at once, which costs as much as the rest of what they do.
create table events (
  workspace_id uuid not null,
  id uuid not null,
  occurred_at timestamptz not null,
  public_id text not null,
  kind text not null,
  actor text not null,
  subjects jsonb not null,
  payload jsonb not null,
  primary key (workspace_id, id, occurred_at)
) partition by range (occurred_at);
create index events_found on events (workspace_id, public_id);
create table events_rest partition of events default;

create table event_positions (
  workspace_id uuid not null references workspaces (id),
  position bigint not null,
  event_id uuid not null,
  occurred_at timestamptz not null,
  hash bytea not null,
  -- When it got its position; never earlier than that of a position before.
  listed_at timestamptz not null,
  -- As model/event_variety.py names it: of few values, by which events are found without looking at all of them.
  variety text collate "C" not null,
  primary key (workspace_id, position),
  unique (workspace_id, event_id)
);
create index event_positions_of_variety on event_positions (workspace_id, variety, position);
create index event_positions_listed on event_positions (workspace_id, listed_at, position);
-- What happened to one thing, among all that ever happened, in the order of positions. An index over events' subjects
-- would be of no use: row security lets no operator look at a row before it, unless that is known to tell nothing.
create table event_subjects (
  workspace_id uuid not null,
  subject text collate "C" not null,
  position bigint not null,
  primary key (workspace_id, subject, position)
);
-- The sequencer's queue: nearly always empty, so its dead rows are cleared early.
create table unsequenced (
  workspace_id uuid not null,
  event_id uuid not null,
  occurred_at timestamptz not null,
  primary key (workspace_id, event_id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);

create table webhooks (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  public_id text not null,
  url bytea not null check (octet_length(url) > 30),
  url_host text not null,
  secret bytea not null check (octet_length(secret) > 30),
  old_secret bytea check (octet_length(old_secret) > 30),
  old_secret_until timestamptz,
  kinds text[],
  position bigint not null,
  failing_since timestamptz,
  failed_tries integer not null default 0,
  disabled_at timestamptz,
  removed_at timestamptz,
  created_at timestamptz not null,
  -- In which shapes events are told to it; `kinds` are named as the form names them.
  form text not null default 'lockstep' check (form in ('lockstep', 'seam')),
  shows_digits boolean not null default false,
  primary key (workspace_id, id),
  unique (workspace_id, public_id)
);

create table deliveries (
  workspace_id uuid not null,
  id uuid not null,
  public_id text not null,
  webhook_id uuid not null,
  position bigint not null,
  told_as text not null,
  state text not null default 'pending' check (state in ('pending', 'delivered', 'failed', 'dropped')),
  tries integer not null default 0,
  created_at timestamptz not null,
  delivered_at timestamptz,
  generation bigint not null default 1,
  applied_generation bigint not null default 0,
  due_at timestamptz,
  leased_until timestamptz,
  lease_epoch bigint not null default 0,
  primary key (workspace_id, id),
  unique (workspace_id, public_id),
  unique (workspace_id, webhook_id, position, told_as),
  foreign key (workspace_id, webhook_id) references webhooks on delete cascade
);
create index deliveries_due on deliveries (workspace_id, due_at) where due_at is not null;
create index deliveries_due_everywhere on deliveries (due_at) where due_at is not null;
create index deliveries_old on deliveries (workspace_id, created_at);

create table tries (
  workspace_id uuid not null,
  id uuid not null,
  delivery_id uuid not null,
  at timestamptz not null,
  status integer,
  error text,
  primary key (workspace_id, id, at)
) partition by range (at);
create index tries_of_delivery on tries (workspace_id, delivery_id, at);
create table tries_rest partition of tries default;

-- The program works without the right to create tables; this is the one thing of the kind that it has to do. A month that
-- already has rows in the default partition stays there.
create function lockstep_make_partitions(month date) returns void
language plpgsql security definer set search_path = public, pg_temp as $$
declare
  parent text;
  has_rows boolean;
  starts timestamptz := date_trunc('month', month)::timestamp at time zone 'UTC';
  ends timestamptz := (date_trunc('month', month) + interval '1 month')::timestamp at time zone 'UTC';
begin
  perform pg_advisory_xact_lock(281733610);
  foreach parent in array array['events', 'tries'] loop
    execute format('select exists (select from %I where %I >= $1 and %I < $2)', parent || '_rest',
      case parent when 'events' then 'occurred_at' else 'at' end,
      case parent when 'events' then 'occurred_at' else 'at' end) into has_rows using starts, ends;
    if not has_rows and to_regclass(format('public.%I', parent || to_char(month, '_YYYY_MM'))) is null then
      execute format('create table %I partition of %I for values from (%L) to (%L)',
        parent || to_char(month, '_YYYY_MM'), parent, starts, ends);
    end if;
  end loop;
end
$$;

create table idempotency_keys (
  workspace_id uuid not null references workspaces (id),
  actor text not null,
  key_hash bytea not null,
  request_hash bytea not null,
  status integer,
  body bytea check (octet_length(body) >= 30),
  created_at timestamptz not null,
  primary key (workspace_id, actor, key_hash)
);
create index idempotency_keys_old on idempotency_keys (workspace_id, created_at);

-- The locks of sandboxes, which exist nowhere else: each account of the emulated vendor as one sealed document, so that
-- it outlives processes and is the same for all of them.
create table emulated_worlds (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  account text not null,
  token_hash bytea not null unique,
  snapshot bytea not null check (octet_length(snapshot) > 30),
  primary key (workspace_id, id),
  unique (workspace_id, account)
);

-- What a seeded sandbox began with, as one sealed document, since it holds tokens.
create table sandbox_beginnings (
  workspace_id uuid not null references workspaces (id),
  id uuid not null,
  document bytea not null check (octet_length(document) > 30),
  primary key (workspace_id)
);

do $$
declare
  t text;
begin
  foreach t in array array[
    'api_keys', 'memberships', 'accounts', 'connect_webviews', 'customer_portals', 'domains', 'devices', 'spaces', 'paces',
    'furnishings', 'space_devices', 'space_accounts', 'guests', 'guest_devices', 'client_sessions', 'instant_keys',
    'calendars', 'bookings', 'grants', 'grant_targets', 'access_methods', 'entries', 'entry_revisions', 'access_codes',
    'occupancies', 'intents', 'readings', 'observations', 'unmanaged_codes', 'access_events', 'attempts', 'events',
    'event_positions', 'event_subjects', 'unsequenced', 'webhooks', 'deliveries', 'tries', 'idempotency_keys', 'emulated_worlds',
    'sandbox_beginnings'
  ] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy by_workspace on %I using (
      workspace_id = nullif(nullif(current_setting('lockstep.workspace', true), ''), '*')::uuid
      or current_setting('lockstep.workspace', true) = '*')$p$, t);
    -- Until a table is analyzed the planner takes the workspace for as telling as an id, since it leads every index, and
    -- a plan that reads a whole workspace for one row is kept while the table grows. So it is told at once that one
    -- workspace may be all there is, that its events have some varieties, and that an id names one row.
    if current_setting('server_version_num')::integer >= 180000 then
      perform pg_restore_attribute_stats('schemaname', current_schema()::text, 'relname', t, 'inherited', false,
          'attname', a.attname::text, 'null_frac', 0::real, 'avg_width', 16,
          'n_distinct', case a.attname when 'workspace_id' then 1 when 'variety' then 20 else -1 end::real)
        from pg_attribute a where a.attrelid = t::regclass and a.attname in ('workspace_id', 'variety', 'id', 'public_id');
    end if;
  end loop;
  foreach t in array array['operators', 'operator_tokens'] loop
    execute format('alter table %I enable row level security', t);
    execute format('alter table %I force row level security', t);
    execute format($p$create policy across_workspaces on %I using (
      current_setting('lockstep.workspace', true) = '*')$p$, t);
  end loop;
  execute 'alter table workspaces enable row level security';
  execute 'alter table workspaces force row level security';
  execute $p$create policy by_workspace on workspaces using (
    id = nullif(nullif(current_setting('lockstep.workspace', true), ''), '*')::uuid
    or current_setting('lockstep.workspace', true) = '*')$p$;
  if exists (select from pg_roles where rolname = 'lockstep_app') then
    execute 'grant usage on schema public to lockstep_app';
    execute 'grant select, insert, update, delete on all tables in schema public to lockstep_app';
  end if;
end
$$;
