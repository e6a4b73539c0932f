--- The Lua client against two servers that run inside Neovim: one plays rust-analyzer, one `sleepy lsp`.
local checks = require('checks')

--- A server as `cmd` of a configuration. `sent` gets every message; `answers` says what a request gets.
local function scripted(name, commands, sent, answers)
  return function(dispatchers)
    sent.dispatchers = dispatchers
    local closing = false
    return {
      request = function(method, params, callback)
        table.insert(sent, { method = method, params = params })
        if method == 'initialize' then
          callback(nil, {
            serverInfo = { name = name },
            capabilities = {
              textDocumentSync = { openClose = true, change = 2 },
              executeCommandProvider = { commands = commands },
              diagnosticProvider = answers['textDocument/diagnostic'] and {} or nil,
            },
          })
        else
          callback(nil, answers[method])
        end
        return true, #sent
      end,
      notify = function(method, params)
        table.insert(sent, { method = method, params = params })
        if method == 'exit' then
          closing = true
          dispatchers.on_exit(0, 15)
        end
        return true
      end,
      is_closing = function()
        return closing
      end,
      terminate = function()
        closing = true
        dispatchers.on_exit(0, 15)
      end,
    }
  end
end

local function sent_of(sent, method)
  local found = {}
  for _, message in ipairs(sent) do
    if message.method == method then
      table.insert(found, message.params)
    end
  end
  return found
end

local DIAGNOSTIC = {
  range = { start = { line = 0, character = 3 }, ['end'] = { line = 0, character = 7 } },
  message = 'cannot borrow',
  code = 'E0596',
  severity = 1,
  source = 'rustc',
}

checks.run(function()
  local analyzer, sleepy, analyzer_itself = {}, {}, 0
  vim.fn.writefile({ '[package]' }, 'Cargo.toml')
  vim.fn.writefile({ 'fn main() {}' }, 'main.rs')
  local commands = { 'sleepy.pause', 'sleepy.resume', 'sleepy.explain' }
  vim.lsp.config('sleepy', {
    cmd = scripted('sleepy', commands, sleepy, {
      ['sleepy/explain'] = { kind = 'markdown', value = '# E0596\n\nIt is not mutable.' },
    }),
  })
  vim.lsp.config('rust_analyzer', {
    cmd = scripted('rust-analyzer', { 'rust-analyzer.run' }, analyzer, {
      ['textDocument/diagnostic'] = { kind = 'full', items = { DIAGNOSTIC } },
    }),
    filetypes = { 'rust' },
    handlers = {
      ['textDocument/publishDiagnostics'] = function(...)
        analyzer_itself = analyzer_itself + 1
        return vim.lsp.diagnostic.on_publish_diagnostics(...)
      end,
    },
  })
  vim.cmd.edit('main.rs')
  vim.lsp.enable({ 'sleepy', 'rust_analyzer' })
  vim.bo.filetype = 'rust'
  checks.eventually('both clients', function()
    return #vim.lsp.get_clients({ bufnr = 0 }) == 2
  end)
  local uri = vim.uri_from_bufnr(0)

  -- The server is told that this editor wants its own messages.
  checks.equal(true, sent_of(sleepy, 'initialize')[1].capabilities.experimental.sleepy, 'experimental.sleepy')
  checks.equal(vim.uri_from_fname(vim.fn.getcwd()), sent_of(sleepy, 'initialize')[1].rootUri, 'root')

  -- What rust-analyzer answers when asked is passed on with the version it is about.
  local asked = checks.eventually('pulled diagnostics', function()
    return sent_of(sleepy, 'sleepy/diagnostics')[1]
  end)
  checks.equal({ uri = uri, version = vim.lsp.util.buf_versions[0 + vim.fn.bufnr()], diagnostics = { DIAGNOSTIC } },
    asked, 'pulled')

  -- What it publishes is passed on as it came, and the handler of the user's configuration is called all the same.
  local before = #sent_of(sleepy, 'sleepy/diagnostics')
  analyzer.dispatchers.notification('textDocument/publishDiagnostics',
    { uri = uri, version = 7, diagnostics = { DIAGNOSTIC } })
  local passed_on = checks.eventually('published diagnostics', function()
    return sent_of(sleepy, 'sleepy/diagnostics')[before + 1]
  end)
  checks.equal({ uri = uri, version = 7, diagnostics = { DIAGNOSTIC } }, passed_on, 'published')
  checks.equal(1, analyzer_itself, "calls of the configuration's own handler")
  checks.equal(1, #vim.diagnostic.get(0, {
    namespace = vim.lsp.diagnostic.get_namespace(vim.lsp.get_clients({ name = 'rust_analyzer' })[1].id, false),
  }), 'diagnostics shown')

  -- A second buffer of the same server is heard once, not twice.
  vim.fn.writefile({ 'fn other() {}' }, 'other.rs')
  vim.cmd.edit('other.rs')
  vim.bo.filetype = 'rust'
  checks.eventually('both clients of the other file', function()
    return #vim.lsp.get_clients({ bufnr = 0 }) == 2
  end)
  local other = vim.uri_from_bufnr(0)
  analyzer.dispatchers.notification('textDocument/publishDiagnostics', { uri = other, diagnostics = {} })
  local function about_other()
    return vim.tbl_filter(function(params)
      return params.uri == other and #params.diagnostics == 0
    end, sent_of(sleepy, 'sleepy/diagnostics'))
  end
  checks.eventually('diagnostics of the other file', function()
    return #about_other() > 0
  end)
  checks.equal(1, #about_other(), 'messages about the other file')
  -- What Sleepy itself publishes is not passed back to it.
  before = #sent_of(sleepy, 'sleepy/diagnostics')
  sleepy.dispatchers.notification('textDocument/publishDiagnostics', { uri = other, diagnostics = { DIAGNOSTIC } })
  checks.eventually("Sleepy's own hint", function()
    return #vim.diagnostic.get(0, { severity = vim.diagnostic.severity.ERROR }) > 0
  end)
  checks.equal(before, #sent_of(sleepy, 'sleepy/diagnostics'), 'messages after a hint of our own')

  -- Readiness and state are for the statusline and for autocommands.
  local events = {}
  vim.api.nvim_create_autocmd('User', {
    pattern = { 'SleepyReady', 'SleepyStatus' },
    callback = function(event)
      table.insert(events, { event.match, event.data })
    end,
  })
  local status = require('sleepy').status
  checks.equal('', status(), 'status before')
  sleepy.dispatchers.notification('sleepy/status', { state = 'searching' })
  checks.eventually('the state', function()
    return status() == 'sleepy: searching'
  end)
  local ready = { uri = other, version = 3, problems = 2, offers = 1 }
  sleepy.dispatchers.notification('sleepy/ready', ready)
  checks.eventually('the fixes', function()
    return status() == 'sleepy: 1 fix'
  end)
  sleepy.dispatchers.notification('sleepy/ready', { uri = other, version = 4, problems = 0, offers = 0 })
  sleepy.dispatchers.notification('sleepy/status', { state = 'idle' })
  checks.eventually('nothing to say', function()
    return status() == ''
  end)
  checks.equal({ 'SleepyReady', ready }, events[2], 'event')

  -- Commands reach Sleepy and nobody else.
  vim.cmd.SleepyPause()
  vim.cmd.SleepyResume()
  local executed = vim.tbl_map(function(params)
    return params.command
  end, sent_of(sleepy, 'workspace/executeCommand'))
  checks.equal({ 'sleepy.pause', 'sleepy.resume' }, executed, 'commands')
  checks.equal(0, #sent_of(analyzer, 'workspace/executeCommand'), "rust-analyzer's commands")

  -- The explanation comes in a floating window, by position and by problem.
  local function floating_text()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= '' then
        local lines = vim.api.nvim_buf_get_lines(vim.api.nvim_win_get_buf(window), 0, -1, false)
        vim.api.nvim_win_close(window, true)
        return table.concat(lines, '\n')
      end
    end
  end
  vim.cmd.SleepyExplain()
  checks.equal('# E0596\n\nIt is not mutable.', checks.eventually('the explanation', floating_text), 'explanation')
  local client = vim.lsp.get_clients({ name = 'sleepy' })[1]
  client:exec_cmd({ title = 'Explain', command = 'sleepy.explain', arguments = { 'p1' } }, { bufnr = 0 })
  checks.eventually('the explanation of a problem', floating_text)
  local asked_about = sent_of(sleepy, 'sleepy/explain')
  checks.equal(other, asked_about[1].textDocument.uri, 'explained file')
  checks.equal({ problemId = 'p1' }, asked_about[2], 'explained problem')

  -- A server that is gone has nothing to say.
  sleepy.dispatchers.notification('sleepy/status', { state = 'checking' })
  checks.eventually('the last state', function()
    return status() == 'sleepy: checking'
  end)
  client:stop()
  checks.eventually('silence', function()
    return status() == ''
  end)
end)
