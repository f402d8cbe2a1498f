/* Kernels of a few instructions, one of each kind that is booted directly; KIND chooses. Each says on ttyS0
 * how it was entered and what it was given, and powers off. The Makefile makes build/.../guests/kernel_KIND.
 *   mb1, mb2: multiboot, ELF32      flat: multiboot 1, not ELF, with addresses in its header
 *   bare: ELF32 without any header  pvh32: ELF32 with a PVH note
 *   linux32: bzImage with a 32-bit entry only
 *   setup: bzImage with nothing but setup code, a protocol of 2.07
 *   old: the protocol before the header, below 640 KiB */
#define mb1 1
#define mb2 2
#define flat 3
#define bare 4
#define pvh32 5
#define linux32 6
#define setup 7
#define old 8

	.text
	.globl start
#if KIND == linux32 || KIND == setup || KIND == old
	.code16
base:
	.org base + 0x1f1
	.byte 1                  /* setup_sects */
	.org base + 0x1fe
	.word 0xaa55
#if KIND == old
	.org base + 0x200
	jmp real
#else
	jmp real
	.ascii "HdrS"
#if KIND == setup
	.word 0x207
	.org base + 0x211
	.byte 1                  /* loadflags: high */
	.org base + 0x22c
	.long 0x37ffffff         /* initrd_addr_max */
	.org base + 0x238
	.long 255                /* cmdline_size */
	.org base + 0x268
#else
	.word 0x20c
	.org base + 0x211
	.byte 1
	.org base + 0x214
	.long 0x100000           /* code32_start */
	.org base + 0x22c
	.long 0x37ffffff
	.org base + 0x230
	.long 0x1000             /* kernel_alignment */
	.org base + 0x238
	.long 255
	.org base + 0x258
	.quad 0x100000           /* pref_address */
	.long 0x10000            /* init_size */
	.org base + 0x268
#endif
#endif

	/* --- real mode: DS, ES and SS are where this lies, CS is 20h more --- */
real:	movw %cs, %ax
	subw $0x20, %ax
	movw %ax, %ds
	movw %ax, %es
	sti
	movw $(entered - base), %si
	call puts16
#if KIND == old
	movw 0x22, %si           /* the command line, from the beginning of this */
	call puts16
#else
	movl 0x228, %esi
	call far16
	cmpl $0, 0x21c
	je 1f
	movw $(initrd - base), %si
	call puts16
	call fetch
	movw $(scratch - base), %si
	call puts16
1:	movw $(mode - base), %si
	call puts16
	movw 0x1fa, %ax
	call hex16
#endif
	movw $(end - base), %si
	call puts16
	movw $0x604, %dx
	movw $0x2000, %ax
	outw %ax, %dx
2:	hlt
	jmp 2b

/* The text at DS:SI, by the BIOS and by the port. */
puts16:	lodsb
	testb %al, %al
	jz 3f
	call put16
	jmp puts16
3:	ret
put16:	pushw %dx
	pushw %ax
	movw $0x3fd, %dx
4:	inb %dx, %al
	testb $0x20, %al
	jz 4b
	movw $0x3f8, %dx
	popw %ax
	outb %al, %dx
	popw %dx
	ret
/* The text at the linear address ESI below 1 MiB. */
far16:	pushw %ds
	movl %esi, %eax
	shrl $4, %eax
	movw %ax, %ds
	andw $15, %si
	call puts16
	popw %ds
	ret
hex16:	movw $4, %cx
5:	rolw $4, %ax
	pushw %ax
	andb $15, %al
	cmpb $10, %al
	sbbb $0x69, %al
	das
	call put16
	popw %ax
	loop 5b
	ret
/* 16 bytes of the initrd to scratch: int 15h, AH=87h. */
fetch:	movl 0x218, %eax
	movw %ax, source
	shrl $16, %eax
	movb %al, source + 2
	movb %ah, source + 5
	xorl %eax, %eax
	movw %ds, %ax
	shll $4, %eax
	addl $(scratch - base), %eax
	movw %ax, target
	shrl $16, %eax
	movb %al, target + 2
	movw $(gdt - base), %si
	movw $8, %cx
	movb $0x87, %ah
	int $0x15
	ret
	.equ source, gdt - base + 0x12
	.equ target, gdt - base + 0x1a
entered:
	.ascii "entered by its setup code: "
	.byte 0
initrd:	.asciz " initrd="
mode:	.asciz " mode="
end:	.asciz ".\r\n"
gdt:	.fill 16, 1, 0
	.word 0xffff, 0
	.byte 0, 0x93, 0, 0
	.word 0xffff, 0
	.byte 0, 0x93, 0, 0
	.fill 16, 1, 0
scratch: .fill 20, 1, 0
	.org base + 1024
#if KIND == linux32
	/* --- the 32-bit entry: ESI is boot_params --- */
	.code32
	movl %esi, %ebp
	call 6f
6:	popl %ebx
	leal text32 - 6b(%ebx), %esi
	call puts
	movl 0x228(%ebp), %esi
	call puts
	leal initrd32 - 6b(%ebx), %esi
	call puts
	movl 0x218(%ebp), %esi
	call puts
	leal end32 - 6b(%ebx), %esi
	call puts
	jmp off
text32:	.asciz "entered at 32 bits: "
initrd32: .asciz " initrd="
end32:	.asciz ".\r\n"
#else
	.fill 64, 1, 0x90
#endif
#else
	.code32
#if KIND == mb1
	.balign 4
	.long 0x1badb002, 3, -(0x1badb002 + 3)
#elif KIND == flat
	.balign 4
header:	.long 0x1badb002, 0x10003, -(0x1badb002 + 0x10003), header, 0x200000, 0, bss_end, start
#elif KIND == mb2
	.balign 8
header:	.long 0xe85250d6, 0, 24, -(0xe85250d6 + 24)
	.word 0, 0
	.long 8
#elif KIND == pvh32
	.section .note.pvh, "a", @note
	.long 4, 4, 18
	.asciz "Xen"
	.long start
	.text
#endif
start:	movl %eax, magic
	movl %ebx, %ebp
	movl $entered, %esi
	call puts
	movl magic, %eax
	call hex
#if KIND == mb2
	leal 8(%ebp), %edi
7:	cmpl $0, (%edi)
	je 9f
	movl (%edi), %eax
	cmpl $1, %eax
	jne 8f
	movl $cmdline, %esi
	call puts
	leal 8(%edi), %esi
	call puts
8:	cmpl $3, (%edi)
	jne 8f
	movl $module, %esi
	call puts
	leal 16(%edi), %esi
	call puts
	movl $content, %esi
	call puts
	movl 8(%edi), %esi
	call puts
8:	cmpl $4, (%edi)
	jne 8f
	movl $upper, %esi
	call puts
	movl 12(%edi), %eax
	call hex
8:	cmpl $6, (%edi)
	jne 8f
	movl $map, %esi
	call puts
	movl 4(%edi), %eax
	call hex
8:	movl 4(%edi), %eax
	addl $7, %eax
	andl $-8, %eax
	addl %eax, %edi
	jmp 7b
9:	movl $total, %esi
	call puts
	movl %edi, %eax
	subl %ebp, %eax
	addl $8, %eax
	subl (%ebp), %eax        /* 0 when the end tag is where the total says */
	call hex
#elif KIND != pvh32
	movl $cmdline, %esi
	call puts
	movl 16(%ebp), %esi
	call puts
	movl 20(%ebp), %ecx
	movl 24(%ebp), %edi
7:	jecxz 8f
	movl $module, %esi
	call puts
	movl 8(%edi), %esi
	call puts
	movl $content, %esi
	call puts
	movl (%edi), %esi
	call puts
	addl $16, %edi
	decl %ecx
	jmp 7b
8:	movl $upper, %esi
	call puts
	movl 8(%ebp), %eax
	call hex
	movl $map, %esi
	call puts
	movl 44(%ebp), %eax
	call hex
#endif
	movl $end, %esi
	call puts
	cmpl $0, bss             /* memory behind the file is zero */
	jne hang
off:	movw $0x604, %dx
	movw $0x2000, %ax
	outw %ax, %dx
hang:	hlt
	jmp hang
entered: .asciz "entered with "
cmdline: .asciz " cmdline="
module:	.asciz " module="
content: .asciz " content="
upper:	.asciz " upper="
map:	.asciz " map="
total:	.asciz " total="
end:	.asciz ".\r\n"
	.balign 4
magic:	.long 0
	.bss
bss:	.fill 64, 1, 0
bss_end:
	.text
hex:	pushl %ecx
	movl $8, %ecx
5:	roll $4, %eax
	pushl %eax
	andb $15, %al
	cmpb $10, %al
	sbbb $0x69, %al
	das
	call put
	popl %eax
	loop 5b
	popl %ecx
	ret
#endif
#if KIND != setup && KIND != old
	.code32
/* The text at ESI. */
puts:	lodsb
	testb %al, %al
	jz 3f
	call put
	jmp puts
3:	ret
put:	pushl %edx
	pushl %eax
	movw $0x3fd, %dx
4:	inb %dx, %al
	testb $0x20, %al
	jz 4b
	movw $0x3f8, %dx
	popl %eax
	outb %al, %dx
	popl %edx
	ret
#if KIND == linux32
off:	movw $0x604, %dx
	movw $0x2000, %ax
	outw %ax, %dx
1:	hlt
	jmp 1b
	.fill 512, 1, 0
#endif
#endif
