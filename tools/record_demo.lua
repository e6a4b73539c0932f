-- What Neovim shows in the recording of README (tools/record_demo.py): the client of editor/nvim, a rust-analyzer
-- beside it, nothing else installed. Only how it looks is chosen here.
vim.opt.termguicolors = true
vim.opt.number = true
vim.opt.signcolumn = 'yes'
vim.opt.swapfile = false
vim.opt.shiftwidth = 4
vim.opt.expandtab = true
vim.opt.laststatus = 3
vim.opt.showmode = false
vim.opt.ruler = false
vim.opt.hlsearch = false
vim.opt.fillchars = { eob = ' ' }
vim.g.loaded_matchparen = 1
vim.opt.shortmess:append('IFWc')
vim.opt.updatetime = 300
vim.g.rust_recommended_style = 0
vim.cmd('syntax on | filetype plugin indent on')
-- The script types the indentation itself.
vim.api.nvim_create_autocmd('FileType', {
  pattern = 'rust',
  command = 'setlocal noautoindent nosmartindent nocindent indentexpr=',
})
vim.opt.statusline = " %t %m%=%{v:lua.require'sleepy'.status()} "
vim.diagnostic.config({
  virtual_text = { prefix = '■', severity = { min = vim.diagnostic.severity.ERROR } },
  signs = { severity = { min = vim.diagnostic.severity.ERROR } },
  underline = { severity = { min = vim.diagnostic.severity.ERROR } },
  severity_sort = true,
})

vim.lsp.config('rust-analyzer', {
  cmd = { vim.env.DEMO_RUST_ANALYZER },
  filetypes = { 'rust' },
  root_markers = { 'Cargo.toml' },
  capabilities = { experimental = { serverStatusNotification = true } },
  init_options = { cachePriming = { enable = false }, procMacro = { enable = false } },
})
vim.lsp.enable({ 'rust-analyzer', 'sleepy' })

-- What the script waits for lies in files of this folder.
local told = vim.env.DEMO_FOLDER
local function tell(name, lines)
  vim.fn.writefile(lines or {}, told .. '/' .. name)
end
vim.lsp.handlers['experimental/serverStatus'] = function(_, params)
  if params.quiescent then
    tell('quiescent')
  end
end
vim.api.nvim_create_autocmd('User', {
  pattern = 'SleepyStatus',
  callback = function(event)
    tell('status-' .. event.data.state)
    vim.cmd.redrawstatus()
  end,
})
vim.api.nvim_create_autocmd('User', {
  pattern = 'SleepyReady',
  callback = function(event)
    tell(event.data.offers > 0 and 'offer' or 'no-offer')
    vim.cmd.redrawstatus()
  end,
})
vim.api.nvim_create_autocmd('DiagnosticChanged', {
  callback = function()
    local errors = vim.diagnostic.count(0)[vim.diagnostic.severity.ERROR]
    tell(errors and 'error' or 'clear')
  end,
})

-- Code actions in a small window at the cursor, as most people have them by a plugin.
vim.ui.select = function(items, options, choose)
  local lines, width = {}, 20
  for _, item in ipairs(items) do
    lines[#lines + 1] = ' ' .. (options.format_item or tostring)(item) .. ' '
    width = math.max(width, vim.fn.strdisplaywidth(lines[#lines]))
  end
  local buffer = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buffer, 0, -1, false, lines)
  local window = vim.api.nvim_open_win(buffer, true, {
    relative = 'cursor',
    row = 1,
    col = 0,
    width = math.min(width, vim.o.columns - 12),
    height = #lines,
    style = 'minimal',
    border = 'rounded',
    title = ' Code actions ',
  })
  vim.wo[window].cursorline = true
  tell('menu', lines)
  local function close(chosen)
    vim.api.nvim_win_close(window, true)
    choose(chosen and items[chosen], chosen)
  end
  vim.keymap.set('n', '<CR>', function()
    close(vim.api.nvim_win_get_cursor(window)[1])
  end, { buffer = buffer })
  vim.keymap.set('n', '<Esc>', close, { buffer = buffer })
end
