--- One session of a developer in Neovim, with the real servers. What is broken, and how the servers are set up, stands
--- in the environment variable SLEEPY_TEST (JSON, see test_neovim.py).
local checks = require('checks')
local given = vim.json.decode(vim.env.SLEEPY_TEST)

--- Counts what may have brought something new. Nothing here looks twice at the same state.
local events = 0
local function count()
  events = events + 1
end
vim.api.nvim_create_autocmd('User', { pattern = { 'SleepyReady', 'SleepyStatus' }, callback = count })
vim.api.nvim_create_autocmd('DiagnosticChanged', { callback = count })

--- Files of which rust-analyzer has said something, published or asked for, if only that nothing is wrong.
local analyzed = {}
for method, uri_of in pairs({
  ['textDocument/publishDiagnostics'] = function(params)
    return params.uri
  end,
  ['textDocument/diagnostic'] = function(_, context)
    return context.params.textDocument.uri
  end,
}) do
  local show = vim.lsp.handlers[method]
  vim.lsp.handlers[method] = function(error, params, context)
    if vim.lsp.get_client_by_id(context.client_id).server_info.name == 'rust-analyzer' and params then
      analyzed[uri_of(params, context)] = true
    end
    return show(error, params, context)
  end
end
local is_quiescent = false
vim.lsp.handlers['experimental/serverStatus'] = function(_, params)
  is_quiescent = params.quiescent
end

--- How often rust-analyzer began to check the project, and how often it was done.
local checks_of_analyzer = { begin = 0, ['end'] = 0, report = 0 }
vim.api.nvim_create_autocmd('LspProgress', {
  callback = function(event)
    local progress = event.data.params
    if tostring(progress.token):find('flycheck', 1, true) then
      local kind = progress.value.kind
      checks_of_analyzer[kind] = checks_of_analyzer[kind] + 1
    end
  end,
})

--- Looks now, after every event, and as people do now and then: under --wrap a menu waits only a moment for our part of
--- it, so on a busy machine one may come without.
local function after_events(what, look)
  local deadline = vim.uv.now() + 60000
  repeat
    local before = events
    local found = look()
    if found then
      return found
    end
    vim.wait(1000, function()
      return events > before
    end, 20)
  until vim.uv.now() > deadline
  error('never came: ' .. what)
end

local function start_servers()
  local capabilities = { experimental = { serverStatusNotification = true } }
  if given.way == 'beside' then
    vim.lsp.config('sleepy', { init_options = given.sleepy })
    vim.lsp.config('rust_analyzer', {
      cmd = { 'rust-analyzer' },
      filetypes = { 'rust' },
      root_markers = { 'Cargo.toml' },
      capabilities = capabilities,
      init_options = given.analyzer,
    })
    vim.lsp.enable({ 'rust_analyzer', 'sleepy' })
  else
    vim.lsp.config('sleepy_wrap', {
      capabilities = capabilities,
      init_options = { sleepy = given.sleepy },
      settings = { ['rust-analyzer'] = given.analyzer },
    })
    vim.lsp.enable('sleepy_wrap')
  end
end

local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), '\n')
end

--- Line (from 0) and column (in bytes) of the first place where some text stands.
local function place_of(wanted)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local column = line:find(wanted, 1, true)
    if column then
      return number - 1, column - 1
    end
  end
  error('not in the text: ' .. wanted)
end

--- Saves the buffer. rust-analyzer drops its check where it sees anything else change at that moment; who misses the
--- diagnostics then saves again.
local function save()
  for _ = 1, 5 do
    local before = checks_of_analyzer.begin
    vim.cmd.write()
    local begins = vim.wait(15000, function()
      return checks_of_analyzer.begin > before
    end, 20)
    if begins then
      return
    end
  end
  error('rust-analyzer checks nothing')
end

local function break_it(bug)
  local line, column = place_of(bug.right)
  vim.api.nvim_buf_set_text(0, line, column, line, column + #bug.right, { bug.wrong })
  -- What comes now is a change of its own for :undo; nobody types between the two here.
  vim.cmd('let &undolevels = &undolevels')
end

--- Our preferred fix for a bug, as the server offers it at the cursor.
local function fix_of(bug)
  local line, column = place_of(bug.at)
  vim.api.nvim_win_set_cursor(0, { line + 1, column })
  return after_events('a fix of ' .. bug.code, function()
    local params = vim.lsp.util.make_range_params(0, 'utf-8')
    params.context = { diagnostics = {}, triggerKind = vim.lsp.protocol.CodeActionTriggerKind.Invoked }
    local answers = vim.lsp.buf_request_sync(0, 'textDocument/codeAction', params, 30000)
    for _, answer in pairs(answers or {}) do
      for _, action in ipairs(answer.result or {}) do
        if action.isPreferred and vim.tbl_get(action, 'data', 'sleepy', 'offerId') then
          return action
        end
      end
    end
  end)
end

--- Takes a fix as the user does who chooses it from the menu.
local function take(action)
  local offer_id = action.data.sleepy.offerId
  vim.lsp.buf.code_action({
    apply = true,
    filter = function(one)
      return vim.tbl_get(one, 'data', 'sleepy', 'offerId') == offer_id
    end,
  })
end

--- Waits until the store holds an attempt at a bug that came to this outcome.
local function until_outcome(bug, outcome)
  local has_changed = true
  local watcher = assert(vim.uv.new_fs_event())
  watcher:start(given.state_folder, {}, function(_, name)
    -- Reading touches the other files of the store.
    has_changed = has_changed or name:match('%-wal$') ~= nil
  end)
  checks.eventually(('an attempt at %s that is %s'):format(bug.code, outcome), function()
    if not has_changed then
      return false
    end
    has_changed = false
    local shown = vim.system({ 'sleepy', 'log', '--json' }, { text = true }):wait()
    assert(shown.code == 0, shown.stderr)
    return vim.iter(vim.json.decode(shown.stdout).attempts):any(function(attempt)
      return attempt.code == bug.code and attempt.outcome == outcome
    end)
  end)
  watcher:close()
end

local function open(file)
  vim.cmd.edit(file)
  checks.eventually('the servers of ' .. file, function()
    local attached = #vim.lsp.get_clients({ bufnr = 0 })
    return is_quiescent and checks_of_analyzer['end'] > 0 and attached == (given.way == 'beside' and 2 or 1)
  end)
  checks.eventually('a word of rust-analyzer about ' .. file, function()
    return analyzed[vim.uri_from_bufnr(0)]
  end)
end

checks.run(function()
  vim.cmd.runtime('plugin/sleepy.lua')
  vim.o.writebackup = false
  start_servers()

  -- A bug is saved: rust-analyzer reports it, and that brings the fix.
  local bug = given.saved
  open(bug.file)
  local green = text()
  break_it(bug)
  save()
  local action = fix_of(bug)
  checks.equal('rust-analyzer', action.data.sleepy.trigger, 'trigger')
  checks.eventually('a statusline that speaks of the fix', function()
    return require('sleepy').status() == 'sleepy: 1 fix'
  end)
  vim.cmd.SleepyExplain()
  checks.eventually('an explanation', function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
      if vim.api.nvim_win_get_config(window).relative ~= '' and table.concat(lines, '\n'):find(bug.code, 1, true) then
        vim.api.nvim_win_close(window, true)
        return true
      end
    end
  end)
  take(action)
  checks.eventually('the text without the bug', function()
    return text() == green
  end)
  save()
  checks.eventually('diagnostics without errors', function()
    return #vim.diagnostic.get(nil, { severity = vim.diagnostic.severity.ERROR }) == 0
  end)
  checks.eventually('a statusline with nothing to say', function()
    return require('sleepy').status() == ''
  end)
  until_outcome(bug, 'settled')

  -- Another one is not saved: our own replay brings the fix once typing rests. It is taken, and taken back.
  bug = given.unsaved
  open(bug.file)
  break_it(bug)
  local broken = text()
  action = fix_of(bug)
  checks.equal('own replay', action.data.sleepy.trigger, 'trigger')
  take(action)
  checks.eventually('the text without the other bug', function()
    return text() ~= broken
  end)
  vim.cmd.undo()
  checks.equal(broken, text(), 'text after :undo')
  until_outcome(bug, 'undone')

  -- While it is paused nothing is compiled, and it says so.
  vim.cmd.SleepyPause()
  checks.eventually('a pause', function()
    return require('sleepy').status():find('paused', 1, true)
  end)
  vim.cmd.SleepyResume()
  checks.eventually('the end of the pause', function()
    return not require('sleepy').status():find('paused', 1, true)
  end)
end)
